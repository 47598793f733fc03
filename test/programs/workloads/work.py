# Files, folders, archives and data, told on standard output; run by CPython in a mount and by a native one.
import bz2, csv, decimal, errno, fractions, glob, hashlib, io, itertools, json, os, pathlib, random, re, shutil
import sqlite3, statistics, struct, sys, tempfile, textwrap, xml.etree.ElementTree as tree, zipfile, zlib


def outcome(action):
    """What a call says: the kind of its error and which; number and text are the platform's own."""
    try:
        return "done", action()
    except OSError as error:
        return type(error).__name__, errno.errorcode.get(error.errno)
    except Exception as error:
        return type(error).__name__, str(error)


# Files.
root = pathlib.Path("made")
root.mkdir()
(root / "deep" / "er").mkdir(parents=True)
random.seed(42)
rows = [[i, f"name-{random.randrange(10**6):06d}", random.random()] for i in range(5000)]
with open(root / "rows.csv", "w", newline="") as file:
    csv.writer(file).writerows(rows)
with open(root / "rows.csv", newline="") as file:
    back = list(csv.reader(file))
print(len(back), back[4999], hashlib.sha256((root / "rows.csv").read_bytes()).hexdigest())
(root / "data.json").write_text(json.dumps({"rows": rows[:50], "é": [None, True, 1e300]}, indent=1, sort_keys=True))
print(json.loads((root / "data.json").read_text())["é"], (root / "data.json").stat().st_size)
with open(root / "bytes.bin", "w+b") as file:
    file.write(bytes(range(256)) * 400)
    file.seek(1000)
    print(file.read(4), file.tell(), file.truncate(50000), file.seek(0, 2))
    file.seek(60000)
    file.write(b"after a hole")
    file.flush()
    os.fsync(file.fileno())
    print(os.fstat(file.fileno()).st_size, os.pread(file.fileno(), 8, 49998), os.pwrite(file.fileno(), b"placed", 10))
with open(root / "lines.txt", "a", encoding="utf-8") as file:
    file.writelines(f"{i}: λ€ {i * i}\n" for i in range(1000))
print(sum(len(line) for line in open(root / "lines.txt", encoding="utf-8")))
with open(root / "lines.txt", "ab") as file:
    file.write(b"appended\n")
    print(file.tell())

# Names.
os.rename(root / "lines.txt", root / "deep" / "renamed.txt")
os.replace(root / "data.json", root / "deep" / "er" / "data.json")
os.link(root / "rows.csv", root / "linked.csv")
os.symlink("deep/renamed.txt", root / "symbolic")
print(os.readlink(root / "symbolic"), (root / "symbolic").read_bytes()[-9:], os.path.islink(root / "symbolic"))
print(os.stat(root / "rows.csv").st_nlink, os.path.samefile(root / "rows.csv", root / "linked.csv"))
os.utime(root / "rows.csv", ns=(981173106_250000000, 981173107_500000000))
status = os.stat(root / "linked.csv")
print(status.st_mtime_ns, status.st_atime_ns, status.st_size)
shutil.copytree(root, "copied", symlinks=True)
shutil.copy2(root / "rows.csv", "copied/again.csv")
print(os.stat("copied/again.csv").st_mtime_ns)
for folder, folders, files in os.walk("copied"):
    folders.sort()
    print(folder, folders, sorted(files))
print(sorted(glob.glob("copied/**/*.csv", recursive=True)))
print(sorted((entry.name, entry.is_dir(), entry.is_symlink()) for entry in os.scandir("copied")))
shutil.rmtree("copied/deep")
shutil.move("copied", "moved")
print(sorted(os.listdir("moved")))
for number in range(700):
    (root / f"many-{number:04d}").touch()
print(len(os.listdir(root)), sorted(os.listdir(root))[-1])
for number in range(0, 700, 2):
    os.unlink(root / f"many-{number:04d}")
print(len(list(root.iterdir())))

# Errors.
for name, action in {
    "none": lambda: open("none"),
    "folder": lambda: open(root, "w"),
    "below a file": lambda: open(root / "rows.csv" / "x"),
    "exclusive": lambda: open(root / "rows.csv", "x"),
    "mkdir": lambda: os.mkdir(root),
    "rmdir full": lambda: os.rmdir(root),
    "rmdir file": lambda: os.rmdir(root / "rows.csv"),
    "unlink none": lambda: os.unlink("none"),
    "list none": lambda: os.listdir("none"),
    "list file": lambda: os.listdir(root / "rows.csv"),
    "rename none": lambda: os.rename("none", "nothing"),
    "rename into itself": lambda: os.rename(root, root / "deep" / "x"),
    "rename file over folder": lambda: os.rename(root / "rows.csv", root / "deep"),
    "rename folder over file": lambda: os.rename(root / "deep", root / "rows.csv"),
    "link none": lambda: os.link("none", "nothing"),
    "link over": lambda: os.link(root / "rows.csv", root / "linked.csv"),
    "readlink of a file": lambda: os.readlink(root / "rows.csv"),
    "long name": lambda: open("x" * 300, "w"),
    "nul": lambda: open("a\0b"),
    "write to a reader": lambda: open(root / "rows.csv").write("x"),
    "loop": lambda: (os.symlink("loop", "loop"), open("loop")),
    "dangling": lambda: (os.symlink("nowhere", "dangling"), open("dangling")),
    "closed": lambda: os.read(99, 1),
    "seek": lambda: open(root / "rows.csv", "rb").seek(-1),
}.items():
    print(name, *outcome(action))

# Archives, databases, temporary files.
with zipfile.ZipFile("archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr(zipfile.ZipInfo("in/side.txt", (2001, 2, 3, 4, 5, 6)), "inside " * 1000)
with zipfile.ZipFile("archive.zip") as archive:
    print(archive.namelist(), archive.testzip(), len(archive.read("in/side.txt")), archive.infolist()[0].CRC)
with bz2.open("text.bz2", "wt") as file:
    file.write("bzip " * 20000)
print(len(bz2.decompress(pathlib.Path("text.bz2").read_bytes())), zlib.crc32(b"crc"), zlib.decompress(zlib.compress(b"z" * 9)))
with tempfile.TemporaryDirectory(dir=".") as temporary:
    with tempfile.NamedTemporaryFile("w+", dir=temporary) as file:
        file.write("temporary")
        file.seek(0)
        print(file.read(), len(os.listdir(temporary)))
print(os.path.exists(temporary))
database = sqlite3.connect("python.db")
database.executescript("create table t (a integer primary key, b text); create index i on t (b);")
with database:
    database.executemany("insert into t values (?, ?)", ((row[0], row[1]) for row in rows))
try:
    with database:
        database.execute("delete from t")
        raise RuntimeError("roll back")
except RuntimeError as error:
    print(error, database.execute("select count(*), min(b), max(b) from t").fetchall())
database.execute("vacuum")
print(database.execute("pragma integrity_check").fetchone())
database.close()

# Data.
print(hashlib.md5(b"x" * 10**6).hexdigest(), hashlib.sha512(b"y").hexdigest()[:32], hashlib.blake2b(b"z").hexdigest()[:32])
print(decimal.Decimal(1) / 7, fractions.Fraction(0.1), 2**200, divmod(-7, 3), 1 / 3, float("1e-310"), round(2.675, 2))
print(re.sub(r"(?P<a>\w+)@(\w+)", r"\2 at \g<a>", "me@home you@work"), re.findall(r"\b\w{3}\b", "one two three six"))
print(struct.pack("<IhQ3s", 7, -2, 2**40, b"abc"), statistics.mean([1, 2, 4]), textwrap.fill("wrap " * 12, 30))
print([random.randint(0, 99) for _ in range(8)], random.gauss(0, 1), random.sample(range(50), 5))
print(sorted({"b": 1, "a": 2}.items()), "".join(map(chr, range(955, 960))), "ß".upper(), f"{1234567.891:,.2f}", ascii("é"))
print(tree.tostring(tree.fromstring("<a b='1'><c>x</c></a>"), encoding="unicode"))
print(list(itertools.islice(itertools.permutations("abcd"), 5)), [*itertools.accumulate(range(6))])
print(len(sys.stdin.readline()), sys.stdin.read().split(), io.StringIO("a\nb").readlines(), sys.argv[1:])


def deep(depth):
    return 0 if depth == 0 else 1 + deep(depth - 1)


print(deep(500), outcome(lambda: deep(10**6))[0])
print("on the other stream", file=sys.stderr)
sys.exit(3)
