"""Validates messages of TAXII 1.1, and of 1.0 by their namespace, with libtaxii: its schema, then its own reading.

Reads one JSON object a line on stdin, {"xml": ...}, and answers each with a JSON list of the errors
found.
"""

import json
import sys

from libtaxii import messages_10, messages_11
from libtaxii.validation import SchemaValidator, TAXII_10_SCHEMA, TAXII_11_SCHEMA
from lxml import etree

taxii_10 = SchemaValidator(TAXII_10_SCHEMA), messages_10
taxii_11 = SchemaValidator(TAXII_11_SCHEMA), messages_11


def find_errors(xml):
    namespace = etree.QName(etree.fromstring(xml)).namespace
    schema, messages = taxii_10 if namespace == messages_10.ns_map["taxii"] else taxii_11
    result = schema.validate_string(xml)
    if not result.valid:
        return ["line %d: %s" % (error.line, error.message) for error in result.error_log]
    messages.get_message_from_xml(xml)
    return []


for line in sys.stdin:
    try:
        errors = find_errors(json.loads(line)["xml"].encode("utf-8"))
    except Exception as error:  # libtaxii raises what it does not understand
        errors = ["%s: %s" % (type(error).__name__, error)]
    print(json.dumps(errors), flush=True)
