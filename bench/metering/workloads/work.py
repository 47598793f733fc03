# What a small script does: imports, classes, comprehensions, text, sorting.
import collections, json, re

class Vector:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

def words(n, seed=42):
    for _ in range(n):
        seed = (seed * 1103515245 + 12345) % 2**31
        yield f"w{seed // 65536 % 400:03d}"

counts = collections.Counter(words(80000))
print(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5])
total = Vector(0, 0)
for i in range(150000):
    total += Vector(i % 7, i % 11)
print(total.x, total.y)
text = json.dumps([{"key": f"k{i}", "value": [i, i * i]} for i in range(12000)])
print(len(text), sum(entry["value"][1] for entry in json.loads(text)))
print(len(re.sub(r'"k(\d+)"', lambda match: match[1], text)))
flags = bytearray(600000)
primes = 0
for i in range(2, len(flags)):
    if not flags[i]:
        primes += 1
        flags[i * i :: i] = b"\1" * len(range(i * i, len(flags), i))
print(primes)
