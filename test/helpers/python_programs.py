"""Runs the command-line programs of installed Python packages, each in a process of its own that is forked from this one.

Starting Python and importing such a program takes a second; this does it once for all. Reads a JSON list of
{"program", "args", "input"} on stdin, and answers with a JSON list of {"stdout", "stderr", "code"}.
"""

import importlib.metadata
import json
import os
import sys
import tempfile
import traceback

programs = {one.name: one for one in importlib.metadata.entry_points(group="console_scripts")}
asked = json.load(sys.stdin)
functions = {one["program"]: programs[one["program"]].load() for one in asked}


def run(function, program, args, files):
    for descriptor, file in enumerate(files):
        file.seek(0)
        os.dup2(file.fileno(), descriptor)
    sys.argv = [program, *args]
    try:
        return function()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code
    except BaseException:
        traceback.print_exc()
        return 1


answers = []
for one in asked:
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        stdin.write(one["input"].encode("utf-8"))
        stdin.flush()
        child = os.fork()
        if child == 0:
            code = run(functions[one["program"]], one["program"], one["args"], (stdin, stdout, stderr))
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code if isinstance(code, int) else 1 if code else 0)
        _, status = os.waitpid(child, 0)
        texts = []
        for file in (stdout, stderr):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
        answers.append({"stdout": texts[0], "stderr": texts[1], "code": os.waitstatus_to_exitcode(status)})
json.dump(answers, sys.stdout)
