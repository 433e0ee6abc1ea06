"""Polls streams with cabby, and tells what MITRE's own libraries find in their blocks.

Reads {"host", "port", "username", "password", "streams": [[collection, binding], ...], "counted": true} on stdin.
Answers with {"streams": [...], "errors": [...], "distinct": ...}: for each stream, in order, how many blocks it
has and, if counted, what python-stix finds in them; and whatever python-stix fails on or stix-validator's schemas
refuse. Blocks that differ in ids and timestamps alone are read once.
"""

import collections
import io
import json
import re
import sys
import warnings

import cabby
import sdv
from cybox.objects.address_object import Address
from cybox.objects.domain_name_object import DomainName
from cybox.objects.file_object import File
from cybox.objects.mutex_object import Mutex
from cybox.objects.uri_object import URI
from lxml import etree
from stix.core import STIXPackage

IDS = re.compile(rb'( (?:id|idref)="[^"]*)"')
VARYING = re.compile(rb' (?:timestamp|id|idref)="[^"]*"')
STIX = b"http://stix.mitre.org/stix-1"
BUNDLE = 200


def name_types(observable):
    """One name a value: of the hash, or else of the object or its category."""
    properties = observable.object_.properties
    if isinstance(properties, Address):
        values = [(properties.category, properties.address_value)]
    elif isinstance(properties, (DomainName, URI)):
        values = [(properties.type_, properties.value)]
    elif isinstance(properties, Mutex):
        values = [("Mutex", properties.name)]
    elif isinstance(properties, File):
        values = [(str(one.type_), one.simple_hash_value) for one in properties.hashes or []]
        if properties.file_path:
            values.append(("File_Path", properties.file_path))
    else:
        raise ValueError("an object of type %s" % type(properties).__name__)
    for kind, value in values:
        # A list of values would be a list here.
        if not isinstance(value.value, str) or value.value == "":
            raise ValueError("a value of %s is %r" % (kind, value.value))
        yield kind


def count_package(content):
    package = STIXPackage.from_xml(io.BytesIO(content))
    counts = collections.Counter()
    for indicator in package.indicators or []:
        counts["indicators"] += 1
        counts["test mechanisms"] += len(indicator.test_mechanisms or [])
        counts["indicated TTPs"] += len(indicator.indicated_ttps or [])
        for observable in indicator.observables or []:
            counts.update(name_types(observable))
    counts["TTPs"] += len(package.ttps.ttp if package.ttps else [])
    counts["exploit targets"] += len(package.exploit_targets or [])
    counts["threat actors"] += len(package.threat_actors or [])
    return counts


class Reader:
    def __init__(self, counted):
        self.counted = counted
        self.known = {}
        self.errors = []

    def count(self, binding, content):
        key = (binding, VARYING.sub(b"", content))
        if key not in self.known:
            try:
                counts = count_package(content) if self.counted else collections.Counter()
                self.known[key] = (content, counts)
            except Exception as error:
                self.errors.append("python-stix: %s: %s" % (type(error).__name__, error))
                self.known[key] = (content, collections.Counter())
        return self.known[key][1]

    def validate(self):
        for version in ("1.2", "1.1.1"):
            binding = "urn:stix.mitre.org:xml:" + version
            packages = [read for (of, _), (read, _) in self.known.items() if of == binding]
            for start in range(0, len(packages), BUNDLE):
                self.validate_bundle(packages[start : start + BUNDLE], version)

    def validate_bundle(self, packages, version):
        """A package may hold others, of the same type as itself: many cost little more than one.

        Ids are to be unique in all of them together, so each gets a number of its package.
        """
        parts = [b'<stix:STIX_Package xmlns:stix="%s" version="%s">' % (STIX, version.encode())]
        parts.append(b"<stix:Related_Packages>")
        for number, content in enumerate(packages):
            root = etree.fromstring(content)
            if (root.prefix, root.get("version")) != ("stix", version):
                self.errors.append("a block of %s is a %s %s" % (version, root.tag, root.get("version")))
            package = IDS.sub(rb'\1.%d"' % number, content)
            package = package.replace(b"<stix:STIX_Package ", b"<stix:Package ", 1)
            package = package.replace(b"</stix:STIX_Package>", b"</stix:Package>", 1)
            parts.append(b"<stix:Related_Package>%s</stix:Related_Package>" % package)
        parts.append(b"</stix:Related_Packages></stix:STIX_Package>")
        tree = etree.parse(io.BytesIO(b"".join(parts)))
        result = sdv.validate_xml(tree, version=version)
        self.errors += ["stix-validator: %s" % error for error in result.errors or []]


def main():
    asked = json.load(sys.stdin)
    client = cabby.create_client(asked["host"], port=asked["port"], version="1.1")
    client.set_auth(username=asked["username"], password=asked["password"])
    reader = Reader(asked["counted"])
    streams = []
    for collection, binding in asked["streams"]:
        counts = collections.Counter()
        for block in client.poll(collection, content_bindings=[binding], uri="/taxii/poll"):
            if block.binding.id != binding:
                reader.errors.append("%s in a poll of %s" % (block.binding.id, binding))
            counts["blocks"] += 1
            counts.update(reader.count(binding, block.content))
        streams.append({name: count for name, count in counts.items() if count})
    reader.validate()
    json.dump({"streams": streams, "errors": reader.errors, "distinct": len(reader.known)}, sys.stdout)


# python-stix reads what it warns of: fields that STIX 1.2 deprecates.
warnings.simplefilter("ignore")
main()
