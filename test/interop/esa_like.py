"""Polls as a Cisco ESA is thought to: `requests` for the wire, libtaxii for the messages.

Reads {"url", "username", "password", "collection", "begin", "ageDays", "segmentDays"} on stdin. Without
"begin" it walks its whole age in windows of one segment; with it, it polls what has come since. Prints what
it took in: {"end", "values", "polls", "blocks", "dropped", "userAgent"}.
"""

import datetime
import json
import sys
import warnings

warnings.simplefilter("ignore")

import requests
from libtaxii import messages_11 as tm11
from libtaxii.constants import RT_FULL, VID_TAXII_SERVICES_11, VID_TAXII_XML_11
from lxml import etree

asked = json.load(sys.stdin)
session = requests.Session()
session.auth = (asked["username"], asked["password"])
session.headers.update({
    "Content-Type": "application/xml",
    "Accept": "application/xml",
    "X-TAXII-Content-Type": VID_TAXII_XML_11,
    "X-TAXII-Accept": VID_TAXII_XML_11,
    "X-TAXII-Services": VID_TAXII_SERVICES_11,
    "X-TAXII-Protocol": "urn:taxii.mitre.org:protocol:http:1.0",
})
utc = datetime.timezone.utc
outcome = {"polls": 0, "blocks": 0, "values": [], "dropped": []}

ADDRESS = "{http://cybox.mitre.org/objects#AddressObject-2}Address_Value"
VALUES = {
    "{http://cybox.mitre.org/objects#DomainNameObject-1}Value",
    "{http://cybox.mitre.org/objects#URIObject-2}Value",
    "{http://cybox.mitre.org/common-2}Simple_Hash_Value",
    ADDRESS,
}
INDICATOR = "{http://stix.mitre.org/stix-1}Indicator"


def send(message):
    """Three attempts, then an alert."""
    for attempt in range(3):
        answer = session.post(asked["url"], data=message.to_xml(), timeout=300)
        if answer.status_code < 500:
            break
    answer.raise_for_status()
    if answer.headers.get("X-TAXII-Content-Type") != VID_TAXII_XML_11:
        raise SystemExit("the answer lacks its X-TAXII-Content-Type")
    outcome["polls"] += 1
    response = tm11.get_message_from_xml(answer.content)
    if response.message_type != "Poll_Response":
        raise SystemExit("%s: %s" % (response.status_type, response.message))
    if response.in_response_to != message.message_id:
        raise SystemExit("it answers another message")
    return response


def take(block):
    """One indicator with one inline observable of one value, with condition Equals."""
    outcome["blocks"] += 1
    root = block.content if hasattr(block.content, "iter") else etree.fromstring(block.content)
    root = root.getroot() if hasattr(root, "getroot") else root
    found = []
    for indicator in root.iter(INDICATOR):
        for element in indicator.iter():
            if element.tag in VALUES and element.get("condition") == "Equals":
                found.append(element.text)
    if len(found) != 1 or "##comma##" in found[0]:
        outcome["dropped"].append(found)
    else:
        outcome["values"].append(found[0])


def poll(begin, end):
    response = send(tm11.PollRequest(
        message_id=tm11.generate_message_id(),
        collection_name=asked["collection"],
        exclusive_begin_timestamp_label=begin,
        inclusive_end_timestamp_label=end,
        poll_parameters=tm11.PollParameters(response_type=RT_FULL),
    ))
    last = response.inclusive_end_timestamp_label
    while True:
        for block in response.content_blocks:
            take(block)
        if not response.more:
            return response.inclusive_end_timestamp_label or last
        response = send(tm11.PollFulfillmentRequest(
            message_id=tm11.generate_message_id(),
            collection_name=asked["collection"],
            result_id=response.result_id,
            result_part_number=response.result_part_number + 1,
        ))


if asked.get("begin"):
    from dateutil.parser import parse

    end = poll(parse(asked["begin"]), None)
else:
    now = datetime.datetime.now(utc)
    segment = datetime.timedelta(days=asked["segmentDays"])
    begin = now - datetime.timedelta(days=asked["ageDays"])
    end = begin
    while end < now:
        end = poll(end, min(end + segment, now))
    end = poll(end, None)
outcome["end"] = end.isoformat()
outcome["userAgent"] = session.headers["User-Agent"]
print(json.dumps(outcome))
