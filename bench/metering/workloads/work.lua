-- Tables, strings, closures, coroutines and numbers, as scripts use them.
local function queens(n)
  local columns, up, down, count = {}, {}, {}, 0
  local function place(row)
    if row > n then count = count + 1 return end
    for column = 1, n do
      local u, d = row + column, row - column + n
      if not (columns[column] or up[u] or down[d]) then
        columns[column], up[u], down[d] = true, true, true
        place(row + 1)
        columns[column], up[u], down[d] = nil, nil, nil
      end
    end
  end
  place(1)
  return count
end

local function words(n)
  local counts, seed = {}, 42
  for i = 1, n do
    seed = (seed * 1103515245 + 12345) % 2147483648
    local word = string.format("w%03d", seed // 65536 % 500)
    counts[word] = (counts[word] or 0) + 1
  end
  local names = {}
  for name in pairs(counts) do names[#names + 1] = name end
  table.sort(names, function(a, b)
    return counts[a] > counts[b] or counts[a] == counts[b] and a < b
  end)
  return table.concat(names, " ", 1, 10)
end

local function text(n)
  local parts = {}
  for i = 1, n do parts[i] = ("key%d=%s;"):format(i, ("x"):rep(i % 17)) end
  local joined, total = table.concat(parts), 0
  for key, value in joined:gmatch("key(%d+)=(x*);") do total = total + tonumber(key) * #value end
  return total, #joined:gsub("x+", string.upper)
end

local Point = {}
Point.__index = Point
Point.__add = function(a, b) return setmetatable({ x = a.x + b.x, y = a.y + b.y }, Point) end
function Point:length() return math.sqrt(self.x * self.x + self.y * self.y) end

local function points(n)
  local sum = setmetatable({ x = 0, y = 0 }, Point)
  for i = 1, n do sum = sum + setmetatable({ x = i % 7, y = i % 11 }, Point) end
  return sum:length()
end

local function produce(n)
  return coroutine.wrap(function()
    for i = 1, n do coroutine.yield(i * i % 1009) end
  end)
end

local function caught(n)
  local failures = 0
  for i = 1, n do
    if not pcall(function() if i % 3 == 0 then error({ i }) end end) then failures = failures + 1 end
  end
  return failures
end

print("queens", queens(8))
print("words", words(150000))
print("text", text(50000))
print("points", string.format("%.6f", points(400000)))
local total = 0
for value in produce(250000) do total = total + value end
print("coroutine", total)
print("caught", caught(60000))
