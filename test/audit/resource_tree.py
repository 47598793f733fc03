"""The resource tree of an audit chain, from docs/audit-format.md."""

import hashlib, json

GOOD = dict(trust=0.8, performance=0.7, difficulty=0.5, reward=0.6, reliability=0.9, velocity=0.5)
BAD = dict(trust=0.2, performance=0.3, difficulty=0.5, reward=0.1, reliability=0.1, velocity=0.5)
FAILED = ("error", "trap", "fuel", "cpu_time", "timeout", "reaped")
LOST = {"code": None, "reason": "lost"}


def sha(data): return hashlib.sha256(data).digest()


class ResourceTree:
    def __init__(self): self.places, self.entries, self.running = [], {}, {}

    def leaves(self):
        for key in self.places:
            entry = {**self.entries[key], "v": "ringfence-tree/1"}
            text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            yield sha(b"\0" + text.encode())

    def put(self, key, seq, **fields):
        """An entry with some of its fields changed; None: it has no room."""
        if key not in self.entries:
            if len(key) == 3 and sum(1 for other in self.entries if other[:2] == key[:2] and len(other) == 3) >= 16:
                return None
            if len(self.places) < 100_000:
                self.places.append(key)
            else:
                idle = [(entry["seq"], place) for place, other in enumerate(self.places)
                        for entry in [self.entries[other]] if not entry.get("registered") and not entry.get("running")]
                if not idle:
                    return None
                place = min(idle)[1]
                del self.entries[self.places[place]]
                self.places[place] = key
            self.entries[key] = {"kind": key[0], "name": list(key[1:])}
        self.entries[key].update(fields, seq=seq)
        return key

    def end(self, pid, exit, seq):
        if pid not in self.running:
            return
        _, key = self.running.pop(pid)
        if key:
            entry, reason = self.entries[key], exit["reason"]
            seen = GOOD if reason == "normal" else BAD if reason in FAILED else None
            score = {name: 0.7 * old + 0.3 * seen[name] for name, old in entry["score"].items()} if seen else entry["score"]
            self.put(key, seq, exit=exit, running=entry["running"] - 1, score=score, scored=entry["scored"] + bool(seen))

    def apply(self, event, hash):
        kind, payload, seq, pid = event["kind"], event["payload"], event["seq"], event["pid"]
        if kind == "agent.spawn":
            self.end(pid, LOST, seq)
            name, parent = event["agent_id"], payload["parent_pid"]
            root = name if parent == 0 or parent not in self.running else self.running[parent][0]
            key = ("agent", name) if parent == 0 else ("agent", root, name)
            old = dict(self.entries.get(key) or {"exit": None, "running": 0, "runs": 0, "scored": 0, "score": dict.fromkeys(GOOD, 0.5)})
            old.pop("seq", None)
            key = self.put(key, seq, **{**old, "module": event["module"], "parent_pid": parent, "pid": pid, "spawn": hash,
                                        "spawn_seq": seq, "running": old["running"] + 1, "runs": old["runs"] + 1})
            self.running[pid] = (root, key)
            if len(self.running) > 100_000:
                self.end(next(iter(self.running)), LOST, seq)
        elif kind == "agent.exit":
            self.end(pid, {"code": payload["code"], "reason": payload["reason"]}, seq)
        elif kind == "chain.open":
            self.running.clear()
            for key, entry in self.entries.items():
                if entry.get("running"):
                    self.put(key, seq, running=0, exit=LOST)
                elif entry.get("registered"):
                    self.put(key, seq, registered=False)
        elif kind == "module.load" and event["module"]:
            key = ("module", event["module"])
            self.put(key, seq, bytes=payload["bytes"], loads=self.entries.get(key, {"loads": 0})["loads"] + 1)
        elif kind in ("service.register", "tool.register", "service.unregister", "tool.unregister"):
            what, done = kind.split(".")
            key = (what, payload[what])
            if done == "register" or key in self.entries:
                more = {"pid": pid} if what == "service" else {"description": payload["description"]} if done == "register" else {}
                self.put(key, seq, registered=done == "register", **more)
