"""Makes the generated modules of this room from ``data_messages.proto``; run by bin/protobuf."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_PACKAGE_PATH = "tidemill/proto"
_MODULE = "data_messages"
_VERSION_CHECK = re.compile(
    r"^(# Protobuf Python Version:.*|from google\.protobuf import runtime_version.*)\n"
    r"|^_runtime_version\.ValidateProtobufRuntimeVersion\(\n(?:.*\n)*?\)\n",
    re.MULTILINE,
)


def generate(directory: Path) -> None:
    """Write the generated modules into a directory."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        package = root / _PACKAGE_PATH
        package.mkdir(parents=True)
        (package / f"{_MODULE}.proto").write_bytes((_HERE / f"{_MODULE}.proto").read_bytes())
        descriptors = root / "descriptors"
        _run_compiler(root, descriptors)
        # The reader's library may be older than the compiler: what is generated needs nothing new.
        code = _VERSION_CHECK.sub("", (package / f"{_MODULE}_pb2.py").read_text())
        (directory / f"{_MODULE}_pb2.py").write_text(code)
        (directory / f"{_MODULE}_pb2.pyi").write_text((package / f"{_MODULE}_pb2.pyi").read_text())
        (directory / "field_numbers.py").write_text(_field_numbers(descriptors.read_bytes()))


def _run_compiler(root: Path, descriptors: Path) -> None:
    import grpc_tools
    from grpc_tools import protoc

    arguments = [
        "protoc",
        f"-I{root}",
        f"-I{Path(grpc_tools.__file__).parent / '_proto'}",
        f"--python_out={root}",
        f"--pyi_out={root}",
        f"--descriptor_set_out={descriptors}",
        f"{_PACKAGE_PATH}/{_MODULE}.proto",
    ]
    if protoc.main(arguments):
        sys.exit("The protobuf compiler refused data_messages.proto: see what it says above")


def _field_numbers(descriptor_set: bytes) -> str:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    lines = [
        '"""Field numbers by message. Made from data_messages.proto by bin/protobuf: do not edit."""',
        "",
        "from __future__ import annotations",
    ]
    for message in FileDescriptorSet.FromString(descriptor_set).file[0].message_type:
        lines += ["", "", f"class {message.name}:", f'    """Field numbers of `{message.name}`."""', ""]
        lines += [f"    {field.name} = {field.number}" for field in message.field]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    generate(Path(sys.argv[1]))
