"""Lua that the scripts on timeline lists share: what a list holds, and how it is put in order.

Ids are compared as strings, longer first: Lua's numbers are doubles and would merge neighbours.
"""

from __future__ import annotations

LIBRARY = """
local function newer(a, b) if #a ~= #b then return #a > #b end return a > b end

-- Newest first, each once.
local function in_order(ids)
  table.sort(ids, newer)
  local kept = {}
  for _, id in ipairs(ids) do if id ~= kept[#kept] then kept[#kept + 1] = id end end
  return kept
end

-- Two that are in order, as one that is.
local function merged(a, b)
  local all, i, j = {}, 1, 1
  while i <= #a or j <= #b do
    local id
    if j > #b or (i <= #a and newer(a[i], b[j])) then
      id = a[i]
      i = i + 1
    else
      id = b[j]
      if a[i] == id then i = i + 1 end
      j = j + 1
    end
    all[#all + 1] = id
  end
  return all
end

-- Without the ids at its end that are older than the floor, where there is one.
local function above(ids, floor)
  while floor and #ids > 0 and newer(floor, ids[#ids]) do ids[#ids] = nil end
  return ids
end

-- A list's ids in order, its sentinel or false, and the floor where it is known. Whatever is no id
-- is left behind. A list that was cut and does not say any more where is to be built anew.
local function held(key)
  local items = redis.call('LRANGE', key, 0, -1)
  local tail = items[#items]
  if tail == '0' or tail == '00' or tail == '1' then items[#items] = nil else tail = false end
  local fresh, ordered, marked = {}, {}, false
  for _, id in ipairs(items) do
    if id == '-1' then
      marked = true
    elseif id ~= '1' and #id < 20 and string.find(id, '^[1-9]%d*$') then
      local last = ordered[#ordered]
      if marked and (not last or newer(last, id)) then
        ordered[#ordered + 1] = id
      else
        fresh[#fresh + 1] = id
      end
    end
  end
  local floor = tail == '00' and ordered[#ordered]
  if tail == '00' and not floor then tail = '1' end
  return above(merged(in_order(fresh), ordered), floor), tail, floor
end

-- Replaces a list by these ids, the newest of them; returns how many those are. It has no expiry then.
local function put(key, ids, tail, capacity)
  local kept = math.min(#ids, capacity)
  -- Where none was cut none is missing, unless the store was asked for so many and has more.
  if tail == '0' and kept == capacity then tail = '00' end
  redis.call('DEL', key)
  if kept > 0 then redis.call('RPUSH', key, '-1') end
  for i = 1, kept, 500 do redis.call('RPUSH', key, unpack(ids, i, math.min(i + 499, kept))) end
  if tail then redis.call('RPUSH', key, tail) end
  return kept
end
"""
