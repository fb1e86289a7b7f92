# SPDX-License-Identifier: EUPL-1.2
"""layers - the include paths each layer is compiled with, as CMake wrote them down."""

import json
import shlex
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent


class Layers:
    """What compile_commands.json of a build folder knows about the layers."""

    def __init__(self, build):
        commands = json.loads((build / "compile_commands.json").read_text())
        self._flags = {}
        for command in commands:
            folder = Path(command["file"]).resolve().parent
            if folder.is_relative_to(TOP):
                name = str(folder.relative_to(TOP))
                self._flags.setdefault(name, _kept(shlex.split(command["command"])))

    def flags(self, layer):
        """The flags of a layer of the broker, or None while it has no source."""
        return self._flags.get(f"broker/{layer}")

    def some_header(self, layer):
        """One header of the layer, as others write it, or None."""
        for header in sorted((TOP / "broker" / layer).glob("*.h")):
            if not header.name.endswith(".table.h"):
                return f"{layer}/{header.name}"
        return None

    def headers(self):
        """All headers of ours: where it is, how it is included, the flags of its layer."""
        for header in sorted(TOP.glob("broker/*/*.h")):
            layer = header.parent.name
            flags = self.flags(layer)
            if flags is not None:
                yield layer, f"{layer}/{header.name}", flags
        for folder, root in (("proto/hot", "proto"), ("proto/anchor", "proto"),
                             ("include/vigie", "include"),
                             ("clients/c", "clients/c"), ("clients/cli", "clients/cli"),
                             ("clients/access", "clients/access")):
            for header in sorted((TOP / folder).glob("*.h")):
                flags = self._flags.get(folder, [])
                yield folder, str(header.relative_to(TOP / root)), [
                    *flags, f"-I{TOP / root}", f"-I{TOP / 'include'}"]


def _kept(words):
    """Of a compile command, what decides what can be included and how it is read."""
    kept = []
    for at, word in enumerate(words):
        if word.startswith(("-I", "-D", "-std=")):
            kept.append(word)
        elif word == "-isystem":
            kept += [word, words[at + 1]]
    return kept


def compiles(command, text):
    """Tries the text as a source file. Returns what the compiler said, or None if it was
    content."""
    done = subprocess.run([*command, "-fsyntax-only", "-"], input=text, text=True,
                          capture_output=True, check=False)
    return None if done.returncode == 0 else done.stderr
