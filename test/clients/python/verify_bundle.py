"""Verifies a bundle by docs/ledger.md alone, with Python's own library and openssl: `verify_bundle.py DIR PUBLIC_KEY_PEM`.

Says what does not fit, one a line, and ends with 1; or with 0 when all fits.
"""

import base64
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

COLUMNS = {
    "exchanges": """id at door client_ip principal process host port method path http_version upstream_http_version provider
        operation model stream status decision rule state error request_bytes response_bytes first_byte_ms duration_ms added_ms
        input_tokens cached_tokens cache_write_tokens output_tokens reasoning_tokens cost_usd finish_reason upstream_id cache
        policy connection_id trace_id request_sha256 response_sha256 request_truncated response_truncated attestation erased
        body_key tools hooks findings""".split(),
    "connections": """id at client_ip principal host port sni alpn handling reason bytes_up bytes_down duration_ms error
        attestation""".split(),
    "events": "id at who what subject before after".split(),
}
TABLES = {0: "exchanges", 1: "exchanges", 2: "exchanges", 3: "connections", 4: "events", 5: "exchanges", 6: "exchanges"}


class Number(str):
    """A number as it stands in the text: it is already in its shortest form."""


def text_of(value):
    if isinstance(value, Number):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def lines(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return [json.loads(line, parse_int=Number, parse_float=Number) for line in file]


def digest(table, values):
    return hashlib.sha256(("[" + ",".join(map(text_of, [table, *values])) + "]").encode()).digest()


def signed(statement, signature, key):
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder, name) for name in ("statement", "signature")]
        for path, content in zip(paths, (statement.encode(), signature)):
            path.write_bytes(content)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", paths[0], "-sigfile", paths[1]]
        return subprocess.run(command, capture_output=True).returncode == 0


def main(folder, key):
    bad = []
    folder = pathlib.Path(folder)
    links, last, count, entries_to = {}, {}, 0, {}
    before = None
    for block in lines(folder / "blocks.jsonl"):
        n, link, entries = int(block["n"]), bytes.fromhex(block["link"]), base64.b64decode(block["entries"])
        if before is None and n != 0 or before is not None and n != before[0] + 1:
            bad.append(f"block {n} does not follow")
        elif n > 0:
            told = hashlib.sha256(before[1] + n.to_bytes(8, "big") + block["at"].encode() + entries).digest()
            if told != link:
                bad.append(f"block {n}: link")
        for at in range(0, len(entries), 41):
            entry = entries[at : at + 41]
            last[TABLES[entry[0]], int.from_bytes(entry[1:9], "big")] = (n, entry[9:])
            count += 1
        before = (n, link)
        links[n], entries_to[n] = block["link"], count
    for table, columns in COLUMNS.items():
        for line in lines(folder / f"{table}.jsonl"):
            place = last.pop((table, int(line["seq"])), None)
            if list(line["row"]) != columns:
                bad.append(f"{table} {line['seq']}: columns")
            elif place != (int(line["block"]), digest(table, line["row"].values())):
                bad.append(f"{table} {line['seq']}: row")
            for side in ("request", "response"):
                content = line.get(side)
                if content is None or "not" in content:
                    continue
                body = content["text"].encode() if "text" in content else (folder / content["file"]).read_bytes()
                if hashlib.sha256(body).hexdigest() != line["row"][f"{side}_sha256"]:
                    bad.append(f"{table} {line['seq']}: {side} body")
    bad += [f"{table} {seq}: missing" for table, seq in last]
    previous = None
    for line in lines(folder / "checkpoints.jsonl"):
        said = json.loads(line["statement"])
        signature = base64.urlsafe_b64decode(line["signature"] + "==")
        if not signed(line["statement"], signature, key):
            bad.append(f"checkpoint {said['number']}: signature")
        if said["previous"] != previous:
            bad.append(f"checkpoint {said['number']}: previous")
        if said["link"] != links.get(said["block"]) or said["entries"] != entries_to.get(said["block"]):
            bad.append(f"checkpoint {said['number']}: block")
        previous = hashlib.sha256(line["statement"].encode()).hexdigest()
    print("\n".join(bad) or f"all fits: {count} entries")
    return 1 if bad else 0


sys.exit(main(*sys.argv[1:]))
