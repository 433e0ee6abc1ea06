"""Runs the console scripts of installed packages one after the other, all in one process, as starting one
takes about a second.

Reads a JSON list of {"command", "args"} on stdin, and prints a JSON list of {"printed", "said"}: what each
wrote to its standard output and to its standard error.
"""

import contextlib
import importlib.metadata
import io
import json
import logging
import sys
import traceback
import warnings

warnings.simplefilter("ignore")
scripts = {script.name: script for script in importlib.metadata.entry_points(group="console_scripts")}


def run(command, args):
    printed, said = io.StringIO(), io.StringIO()
    sys.argv = [command, *args]
    # Each command adds one that writes to its own standard error.
    logging.getLogger().handlers.clear()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
        try:
            scripts[command].load()()
        except SystemExit as end:
            print("it ended with", end.code, file=sys.stderr)
        except Exception:
            traceback.print_exc()
    return {"printed": printed.getvalue(), "said": said.getvalue()}


print(json.dumps([run(one["command"], one["args"]) for one in json.load(sys.stdin)]))
