#!/usr/bin/env python3
"""Lists the crates whose types are part of the public API, from rustdoc's JSON (nightly), and
compares them with `allowed_external_types` in Cargo.toml."""

import json
import sys
import tomllib

doc = json.load(open(sys.argv[1]))
settings = tomllib.load(open("Cargo.toml", "rb"))
metadata = settings["package"]["metadata"]["cargo_check_external_types"]
allowed = {path.split("::")[0] for path in metadata["allowed_external_types"]}
index, paths, crates = doc["index"], doc["paths"], doc["external_crates"]


def types(node, found):
    """The ids of the types and traits in an item of the API."""
    if isinstance(node, dict):
        if "id" in node and "path" in node:
            found.add(node["id"])
        for key, child in node.items():
            # Default implementations and links in docs are not part of a signature.
            if key not in ("docs", "links", "blanket_impl", "attrs"):
                types(child, found)
    elif isinstance(node, list):
        for child in node:
            types(child, found)


found = {}
for item in index.values():
    inner = item["inner"]
    if item["visibility"] not in ("public", "default") or item["crate_id"] != 0:
        continue
    impl = inner.get("impl")
    if impl and (impl["is_synthetic"] or impl["blanket_impl"]):
        continue
    ids = set()
    if "use" not in inner and "module" not in inner:
        types(inner, ids)
    for id_ in ids:
        path = paths.get(str(id_))
        if path and path["crate_id"] != 0:
            name = crates[str(path["crate_id"])]["name"]
            # Nobody can name the helpers of a macro.
            if name not in ("std", "core", "alloc") and "__private" not in path["path"]:
                found.setdefault(name, set()).add("::".join(path["path"]))

for name in sorted(found):
    print(name, *sorted(found[name]))
surplus, unused = found.keys() - allowed, allowed - found.keys()
if surplus or unused:
    sys.exit(f"not allowed: {sorted(surplus)}; allowed and not there: {sorted(unused)}")
