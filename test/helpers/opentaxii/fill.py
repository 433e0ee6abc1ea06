"""Prepares the database that OPENTAXII_CONFIG names: tables, services, a collection, an account.

Content blocks come on stdin, each as four bytes of length, most significant first, and so many bytes
of content. Block n, from 0, gets the label base + n * step. Prints a JSON line about what was stored.
"""

import argparse
import json
import os
import struct
import sys
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

import yaml
from opentaxii.auth.sqldb.models import Base as AuthBase
from opentaxii.cli import app
from opentaxii.cli.persistence import local_admin
from opentaxii.local import context
from opentaxii.persistence.sqldb.models import Base, DataCollection
from opentaxii.utils import sync_conf_dict_into_db
from sqlalchemy import create_engine, select, text, update

POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=timezone.utc)


def read_blocks(stream):
    while header := stream.read(4):
        (length,) = struct.unpack(">I", header)
        content = stream.read(length)
        if len(content) != length:
            raise EOFError("a block was cut off")
        yield content


class CopyRows:
    """Rows in PostgreSQL's binary COPY format, made as they are read."""

    def __init__(self, blocks, binding, base, step_micros):
        self.count = 0
        self._chunks = self._make(blocks, binding.encode(), base, step_micros)

    def _make(self, blocks, binding, base, step_micros):
        yield b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
        label = (base - POSTGRES_EPOCH) // timedelta(microseconds=1)
        binding = struct.pack(">i", len(binding)) + binding
        for content in blocks:
            self.count += 1
            micros = struct.pack(">iq", 8, label)
            yield b"".join(
                (
                    struct.pack(">hii", 5, 4, self.count),
                    micros,
                    micros,
                    struct.pack(">i", len(content)),
                    content,
                    binding,
                )
            )
            label += step_micros
        yield struct.pack(">h", -1)

    def read(self, size):
        """At least as much as is asked for, as COPY takes it, until the end."""
        parts, length = [], 0
        while length < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            parts.append(chunk)
            length += len(chunk)
        return b"".join(parts)


def store_blocks(engine, rows, collection):
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.copy_expert(
            "COPY content_blocks (id, date_created, timestamp_label, content, binding_id)"
            " FROM STDIN (FORMAT binary)",
            rows,
            1 << 20,
        )
        cursor.execute(
            "INSERT INTO collection_to_content_block (collection_id, content_block_id)"
            " SELECT %s, id FROM content_blocks ORDER BY id",
            (collection,),
        )
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('content_blocks', 'id'), %s)",
            (max(rows.count, 1),),
        )
        connection.commit()
    finally:
        connection.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--collection", required=True)
    parser.add_argument("--binding", required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("--step-micros", type=int, required=True)
    options = parser.parse_args()

    with open(os.environ["OPENTAXII_CONFIG"]) as stream:
        config = yaml.safe_load(stream)
    parameters = config["taxii1"]["persistence_api"]["parameters"]
    engine = create_engine(parameters["db_connection"])
    Base.metadata.create_all(engine)
    AuthBase.metadata.create_all(engine)
    with open(options.data) as stream:
        data = yaml.safe_load(stream)
    with app.app_context():
        context.account = local_admin
        sync_conf_dict_into_db(app.taxii_server, data)

    of_name = DataCollection.name == options.collection
    with engine.connect() as connection:
        collection = connection.scalar(select(DataCollection.id).where(of_name))
    base = datetime.fromisoformat(options.base)
    blocks = read_blocks(sys.stdin.buffer)
    rows = CopyRows(blocks, options.binding, base, options.step_micros)
    store_blocks(engine, rows, collection)
    with engine.begin() as connection:
        connection.execute(update(DataCollection).where(of_name).values(volume=rows.count))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    print(json.dumps({"blocks": rows.count, "version": version("opentaxii")}))


main()
