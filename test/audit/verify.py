"""Verifies an audit chain: written from docs/audit-format.md, with nothing but the standard library.

    python3 verify.py FILE [KEY]

Signatures are checked by the program openssl; without it that is said. Exit status 0: valid.
"""

import base64, hashlib, json, os, re, subprocess, sys, tempfile
from resource_tree import ResourceTree


def sha(data): return hashlib.sha256(data).digest()


class Tree:
    """RFC 6962: roots of full subtrees, from left to right."""
    def __init__(self): self.size, self.roots = 0, []

    def push(self, leaf):
        rest = self.size
        while rest % 2:
            leaf, rest = sha(b"\x01" + self.roots.pop() + leaf), rest // 2
        self.roots.append(leaf)
        self.size += 1

    def root(self):
        root = self.roots[-1] if self.roots else sha(b"")
        for left in reversed(self.roots[:-1]):
            root = sha(b"\x01" + left + root)
        return root


def public_key(key):
    name, key_id, typed = key.split("+", 2)
    typed = base64.b64decode(typed)
    assert typed[0] == 1 and len(typed) == 33 and sha(name.encode() + b"\n" + typed)[:4].hex() == key_id, "no key"
    return name, bytes.fromhex(key_id), typed[1:]


def ed25519(raw, message, signature):
    global unchecked
    with tempfile.TemporaryDirectory() as at:
        paths = [os.path.join(at, name) for name in ("key", "message", "signature")]
        for path, data in zip(paths, (bytes.fromhex("302a300506032b6570032100") + raw, message, signature)):
            with open(path, "wb") as file:
                file.write(data)
        try:
            return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths[0],
                                   "-rawin", "-in", paths[1], "-sigfile", paths[2]], capture_output=True).returncode == 0
        except FileNotFoundError:
            unchecked += 1
            return True


def verify_note(note, key, origin):
    text, signatures = note.rsplit("\n\n", 1)
    name, key_id, raw = public_key(key)
    signed = [base64.b64decode(line.split(" ")[2]) for line in signatures.splitlines() if line.startswith(f"— {name} ")]
    assert any(s[:4] == key_id and ed25519(raw, f"{text}\n".encode(), s[4:]) for s in signed), "wrong key"
    lines = text.split("\n")
    assert lines[0] == origin, "another chain"
    resources = [line.split(" ") for line in lines[3:] if line.startswith("resource-tree ")]
    return int(lines[1]), base64.b64decode(lines[2]), resources


def check(condition, why):
    if not condition:
        print(f"event {tree.size}: {why}")
        sys.exit(1)


TAIL = re.compile(rb'"prev":"([0-9a-f]{64})","seq":(\d+),"source":"[a-z]+","time_ms":(\d+),"v":"ringfence-audit/1"\}$')
tree, chain, key, previous, time, unchecked, signed, interval = Tree(), None, None, "0" * 64, 0, 0, 0, 0
pruned_to = prunable = claimed = compared = 0
resources = ResourceTree()
for line in open(sys.argv[1], "rb"):
    check(line.endswith(b"\n") and len(line) <= 65537, "no whole line")
    line = line[:-1]
    if line.startswith(b'{"event":'):
        body, stored = line[9:-75], line[-66:-2].decode()
        check(line[-75:-66] == b',"hash":"' and sha(b"\0" + body).hex() == stored, "altered")
        place = TAIL.search(body)
        check(place, "not in the format")
        check(int(place[2]) == tree.size and place[1].decode() == previous and int(place[3]) >= time, "out of place")
        event = json.loads(body)
        check(json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == body
              or b"." in body or b"e" in body, "not canonical")  # Python writes some numbers otherwise
        if tree.size == 0:
            check(event["kind"] == "chain.genesis", "no beginning")
            chain, key, interval = event["chain"], event["payload"]["key"], event["payload"]["checkpoint_events"]
            check(len(sys.argv) < 3 or sys.argv[2] == key, "wrong key")
            check(type(interval) is int and 1 <= interval <= 100000, "not in the format")
        check(event["chain"] == chain, "another chain")
        if event["kind"] == "key.rotate":
            new = event["payload"]
            text = f"ringfence-audit-key-rotation/1\n{chain}\n{key}\n{new['new_key']}\n".encode()
            check(new["old_key"] == key and ed25519(public_key(key)[2], text, base64.b64decode(new["signature"])), "wrong key")
            key = new["new_key"]
        if event["kind"] == "chain.prune":
            claimed = max(claimed, event["payload"]["before"])
            prunable = claimed if key is None else prunable
        if resources:
            resources.apply(event, stored)
        tree.push(bytes.fromhex(stored))
        previous, time = stored, int(place[3])
    elif line.startswith(b'{"checkpoint":'):
        try:
            size, root, said = verify_note(json.loads(line)["checkpoint"], key, f"ringfence-audit/{chain}")
        except (AssertionError, ValueError, IndexError) as error:
            check(False, str(error))
        check(size == tree.size and root == tree.root(), "not what was signed")
        signed, prunable = size, claimed
        if said and resources:
            own = Tree()
            for leaf in resources.leaves():
                own.push(leaf)
            check(said[0][1:] == [str(own.size), base64.b64encode(own.root()).decode()], "another resource tree")
            compared += 1
    else:
        pruned, resources = json.loads(line)["pruned"], None
        check(pruned["first"] == tree.size, "out of place")
        hashes = base64.b64decode(pruned["hashes"])
        for at in range(0, len(hashes), 32):
            tree.push(hashes[at:at + 32])
            previous = hashes[at:at + 32].hex()
        pruned_to = tree.size
check(chain is not None, "no event")
check(pruned_to <= prunable, "removed without a word")
check(key is None or signed > 0 and tree.size - signed <= 2 * interval, "not signed")
print(json.dumps({"events": tree.size, "signed": signed, "root": tree.root().hex(), "unchecked": unchecked, "compared": compared}))
