"""Validates STIX 1.x packages with MITRE's stix-validator.

Reads one JSON object a line on stdin, {"xml": ..., "version": "1.2", "bestPractices": false}, and
answers each with a JSON list of the errors found. The schemas are compiled once for all of them.
"""

import io
import json
import sys

import sdv
from lxml import etree


def find_errors(document):
    version = document["version"]
    try:
        root = etree.fromstring(
            document["xml"].encode("utf-8"), etree.XMLParser(resolve_entities=False)
        )
    except etree.XMLSyntaxError as error:
        return ["not well-formed: %s" % error]
    if root.get("version") != version:
        return ["the package's version is %r, not %r" % (root.get("version"), version)]
    tree = etree.parse(io.BytesIO(etree.tostring(root)))
    results = [sdv.validate_xml(tree, version=version)]
    if document.get("bestPractices"):
        results.append(sdv.validate_best_practices(tree, version=version))
    return [str(error) for result in results for error in result.errors or []]


for line in sys.stdin:
    try:
        errors = find_errors(json.loads(line))
    except Exception as error:  # a document that the validator itself chokes on is not valid
        errors = ["%s: %s" % (type(error).__name__, error)]
    print(json.dumps(errors), flush=True)
