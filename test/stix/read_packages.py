"""Says what python-stix reads in packages: ids, titles, and the type and value of each observable.

Reads a JSON array of packages on stdin; answers with a JSON array of what is in each.
"""

import io
import json
import sys
import warnings

from stix.core import STIXPackage
from cybox.objects.address_object import Address
from cybox.objects.domain_name_object import DomainName
from cybox.objects.file_object import File
from cybox.objects.mutex_object import Mutex
from cybox.objects.uri_object import URI


def read_values(properties):
    """Pairs of type and value, as CybOX names the type."""
    if isinstance(properties, Address):
        yield properties.category, properties.address_value
    elif isinstance(properties, DomainName):
        yield properties.type_, properties.value
    elif isinstance(properties, URI):
        yield properties.type_, properties.value
    elif isinstance(properties, Mutex):
        yield "Mutex", properties.name
    elif isinstance(properties, File):
        for one in properties.hashes or []:
            yield str(one.type_), one.simple_hash_value
        if properties.file_path:
            yield "File_Path", properties.file_path


def read_colors(handling):
    for marking in handling or []:
        for structure in marking.marking_structures:
            if hasattr(structure, "color"):
                yield structure.color


def read_indicator(indicator):
    observable = indicator.observable
    return {
        "id": indicator.id_,
        "title": indicator.title,
        "types": [str(one) for one in indicator.indicator_types],
        "colors": list(read_colors(indicator.handling)),
        "confidence": str(indicator.confidence.value),
        # Sightings of 0 are false, but there.
        "sightings": indicator.sightings.sightings_count if indicator.sightings is not None else None,
        "observable": observable and observable.id_,
        "object": observable and observable.object_.id_,
        # A list of values, which nobody should see, would stay a list here.
        "values": [
            [kind, value.value]
            for kind, value in (read_values(observable.object_.properties) if observable else ())
        ],
        "rules": [str(one.rule.value) for one in indicator.test_mechanisms or []],
        "ttps": [one.item.id_ or one.item.idref for one in indicator.indicated_ttps or []],
        "phases": [one.name for one in indicator.kill_chain_phases or []],
        "producer": indicator.producer.identity.name,
    }


def read_package(xml):
    package = STIXPackage.from_xml(io.BytesIO(xml.encode("utf-8")))
    header = package.stix_header
    return {
        "id": package.id_,
        "version": package.version,
        "title": header and header.title,
        "colors": list(read_colors(header.handling)) if header else [],
        "indicators": [read_indicator(one) for one in package.indicators or []],
        "ttps": [[one.id_, one.title] for one in (package.ttps.ttp if package.ttps else [])],
        "targets": [
            [one.id_, [str(found.cve_id) for found in one.vulnerabilities]]
            for one in package.exploit_targets or []
        ],
        "actors": [
            [one.id_, one.identity.name, [ttp.item.idref for ttp in one.observed_ttps or []]]
            for one in package.threat_actors or []
        ],
    }


# It reads what it warns of: fields that STIX 1.2 deprecates.
warnings.simplefilter("ignore")
json.dump([read_package(xml) for xml in json.load(sys.stdin)], sys.stdout)
