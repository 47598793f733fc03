-- Files, strings, sorting and errors, told on standard output; run by lua in a mount and by the native one.

local function say(...) print(...) end

-- What a failing call says, without the number of the error, which is the platform's own.
local function outcome(result, message) return result and "done" or message end

-- Writing and reading.
local words = {}
for index = 1, 5000 do words[index] = string.format("word-%05d", (index * 7919) % 5003) end
local file = assert(io.open("words.txt", "w"))
for _, word in ipairs(words) do file:write(word, "\n") end
say("size", file:seek("cur"), file:seek("set", 100), file:seek("end"))
assert(file:close())

local read = {}
for line in io.lines("words.txt") do read[#read + 1] = line end
say("lines", #read, read[1], read[#read])
table.sort(read)
say("sorted", read[1], read[2500], read[#read])
table.sort(read, function(a, b) return a:reverse() < b:reverse() end)
say("sorted backwards", read[1], read[2500], read[#read])

file = assert(io.open("sorted.txt", "wb"))
assert(file:setvbuf("full", 64))
file:write(table.concat(read, "\n"), "\n")
file:close()

-- Modes.
file = assert(io.open("sorted.txt", "r+b"))
say("first", file:read("l"))
file:seek("set", 0)
file:write("WORD")
file:seek("end", -11)
say("last", file:read("L"))
file:close()
file = assert(io.open("sorted.txt", "a+"))
file:write("appended 42 0x10 3.5e2\n")
file:seek("end", -16)
say("numbers", file:read("n", "n", "n"))
say("at the end", file:read("l"), file:read("l"), file:read(0), file:read("a"))
file:close()
file = assert(io.open("truncated.txt", "w+"))
file:write("0123456789")
file:seek("set", 3)
say("w+", file:read(4), file:read("a"), file:read(1))
file:close()
file = assert(io.open("truncated.txt", "w"))
file:close()
say("empty", (assert(io.open("truncated.txt")):read("a")) == "")

-- A hole, and bytes of all values.
file = assert(io.open("bytes.bin", "wb"))
file:seek("set", 70000)
local all = {}
for byte = 0, 255 do all[#all + 1] = string.char(byte) end
file:write(table.concat(all))
file:close()
file = assert(io.open("bytes.bin", "rb"))
local content = file:read("a")
say("hole", #content, content:sub(1, 70000) == ("\0"):rep(70000), content:sub(70001) == table.concat(all))
file:close()

-- Folders, names, errors.
say("no file", outcome(io.open("none.txt")))
say("no folder", outcome(io.open("none/none.txt", "w")))
say("a file as folder", outcome(io.open("words.txt/none.txt")))
say("a folder to write", outcome(io.open("sub", "w")))
say("closed", pcall(file.read, file))
say("wrong mode", pcall(io.open, "words.txt", "rz"))
say("rename", outcome(os.rename("words.txt", "sub/renamed.txt")))
say("rename of nothing", outcome(os.rename("words.txt", "sub/again.txt")))
say("rename over", outcome(os.rename("truncated.txt", "sub/renamed.txt")))
say("rename over a folder", outcome(os.rename("sub/renamed.txt", "sub2")))
say("remove", outcome(os.remove("sub/renamed.txt")))
say("remove again", outcome(os.remove("sub/renamed.txt")))
say("remove a full folder", outcome(os.remove("sub3")))
say("remove an empty folder", outcome(os.remove("sub2")))
say("outside", io.open("../../../../../../etc/hostname-that-is-not-there") == nil)

-- Standard streams of the library.
io.output("by-io.txt")
io.write("one\n", 2, "\n", 3.25, "\n")
io.close()
io.output(io.stdout)
io.input("by-io.txt")
say("io.read", io.read("l", "n", "n"))
io.close(io.input())
io.input(io.stdin)
say("stdin", io.read("n"), io.read("L"), io.read("a"))

-- Code in files.
file = assert(io.open("module.lua", "w"))
file:write("local name = ... ; return { name = name, double = function(x) return 2 * x end }\n")
file:close()
package.path = "./?.lua"
say("require", require("module").name, require("module").double(21), package.loaded.module ~= nil)
say("dofile", dofile("module.lua").double("4"))
say("loadfile", pcall(loadfile("sub3/broken.lua") or error))
say("syntax", select(2, loadfile("sub3/broken.lua")))
local dumped = string.dump(assert(loadfile("module.lua")), true)
say("dump", load(dumped, "dumped", "b")("again").name)

-- Temporary files: their names are random, and native ones are elsewhere.
local temporary = os.tmpname()
file = assert(io.open(temporary, "w"))
file:write("x")
file:close()
say("tmpname", os.remove(temporary))
file = assert(io.tmpfile())
file:write("temporary")
file:seek("set")
say("tmpfile", file:read("a"))
file:close()

-- Strings and numbers.
say(("%5.2f|%-8s|%08.3e|%q|%g|%a|%x|%c|%i"):format(math.pi, "left", 12345.678, "a\n\"b\0", 0.1, 1.5, 255, 65, -7))
say(1 / 3, 2 ^ 53, -0.0, 1e300 * 1e10, 7 // 2, -7 // 2, 7 % -3, 3 | 8, ~0, 1 << 62, math.maxinteger + 1)
say(("key = value, other=thing"):gsub("(%w+)%s*=%s*(%w+)", "%2:%1"))
say(("THE (quick) fox"):find("%((%a+)%)"))
say(("x"):rep(3, ","), ("abc"):byte(1, -1), utf8.char(955, 8364), utf8.len("λ€"))
for word, number in ("a1 b22 c333"):gmatch("(%a)(%d+)") do say("match", word, number) end
say(string.pack("<i4 z s1", 7, "zero", "short"):byte(1, -1))
say(os.time({ year = 2001, month = 2, day = 3, hour = 4 }), os.date("!%Y-%m-%d %H:%M:%S", 981173106))
say(tostring(1e15), tostring(123456789012345678), 0x7fffffffffffffff, tonumber("0x1p4"), tonumber("z", 36))

-- Errors, coroutines, closing, deep recursion.
say(pcall(error, "plain"), pcall(error, "placed", 2), pcall(error))
say(pcall(function() local nothing; return nothing.field end))
say(pcall(function() return 1 + {} end))
say(pcall(string.rep))
say(xpcall(function() error("inner") end, function(message) return "handled " .. message end))
local function deep(depth) if depth == 0 then error("bottom", 0) end return 1 + deep(depth - 1) end
say("deep", pcall(deep, 10000))
local function endless() return 1 + endless() end
say("overflow", select(2, pcall(endless)):match("stack overflow"))
for depth = 1, 50 do
  local result, message = pcall(pcall, pcall, error, depth)
  assert(result and message)
end
local log = {}
do
  local guarded <close> = setmetatable({}, { __close = function() log[#log + 1] = "closed" end })
  log[#log + 1] = "open"
end
say(table.concat(log, " "))
local generator = coroutine.wrap(function()
  for index = 1, 3 do coroutine.yield(index) end
  error({ code = 7 })
end)
say(generator(), generator(), generator(), select("#", pcall(generator)))
local caught = 0
for index = 1, 20000 do
  if not pcall(error, index) then caught = caught + 1 end
end
say("caught", caught)

error("the end")
