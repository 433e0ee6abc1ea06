"""Validates TAXII 1.1 messages with libtaxii: its schema, then its own reading of the message.

Reads one JSON object a line on stdin, {"xml": ...}, and answers each with a JSON list of the errors
found.
"""

import json
import sys

from libtaxii import messages_11
from libtaxii.validation import SchemaValidator, TAXII_11_SCHEMA

schema = SchemaValidator(TAXII_11_SCHEMA)


def find_errors(xml):
    result = schema.validate_string(xml)
    if not result.valid:
        return ["line %d: %s" % (error.line, error.message) for error in result.error_log]
    messages_11.get_message_from_xml(xml)
    return []


for line in sys.stdin:
    try:
        errors = find_errors(json.loads(line)["xml"].encode("utf-8"))
    except Exception as error:  # libtaxii raises what it does not understand
        errors = ["%s: %s" % (type(error).__name__, error)]
    print(json.dumps(errors), flush=True)
