"""The trim: an overfull list gives up its oldest ids, and nobody loses one that is newer.

LTRIM alone would cut the sentinel at the tail; and it would cut by arrival, where newer ones may have
come first and one may have come twice. But what an earlier trim left behind is in order, and the list
says from where on. So only what was pushed since is looked at, and the few that it may be out of order
with; where it reaches further down, all of the list is.
"""

from __future__ import annotations

from collections.abc import Sequence

from stores.redis_client import RedisClient
from stores.redis_commands import Script, Word
from timelines.lua import LIBRARY

_NEIGHBOURS = 16
"""So many of those in order are looked at: what was posted at the same time arrives in any order."""
_FEW = 400
"""More than so many pushed ones are sorted by the general way."""

# Redis' time for a list of 800 and 127 new ids: 40 us where these came in order, 90 where neighbours
# were swapped, 400 by the general way.
TRIM = Script(
    LIBRARY
    + """
local key, capacity = KEYS[1], tonumber(ARGV[1])
local neighbours, few = tonumber(ARGV[2]), tonumber(ARGV[3])

-- False where the pushed ones reach further down than the neighbours.
local function quickly()
  local length, pushed = redis.call('LLEN', key), redis.call('LPOS', key, '-1')
  local tail = redis.call('LINDEX', key, -1)
  if tail ~= '0' and tail ~= '00' and tail ~= '1' then return false end
  if not pushed or pushed > few or length - pushed - 2 < neighbours then return false end
  local head = redis.call('LRANGE', key, 0, pushed + neighbours)
  table.remove(head, pushed + 1)
  local count = #head
  local sorted, last = true, head[1]
  for i = 2, count do
    local id = head[i]
    -- `newer`, where a call costs more than what it does.
    if last <= id and #last == #id or #last < #id then sorted = false break end
    last = id
  end
  if sorted then
    redis.call('LREM', key, 1, '-1')
    length = length - 1
  else
    local lowest, floor = head[count], tail == '00' and redis.call('LINDEX', key, -2)
    local ids = {}
    count = 0
    for _, id in ipairs(head) do
      local i = count
      while i > 0 and newer(id, ids[i]) do i = i - 1 end
      if ids[i] ~= id and not (floor and newer(floor, id)) then
        for j = count, i + 1, -1 do ids[j + 1] = ids[j] end
        ids[i + 1] = id
        count = count + 1
      end
    end
    if ids[count] ~= lowest then return false end
    local turned = {}
    for i = 1, count do turned[i] = ids[count + 1 - i] end
    -- At no time empty: it would lose its expiry.
    redis.call('LTRIM', key, pushed + 1 + neighbours, -1)
    length = redis.call('LPUSH', key, unpack(turned))
  end
  if length - 1 > capacity then
    redis.call('LTRIM', key, 0, capacity - 1)
    if tail == '0' then tail = '00' end
    redis.call('RPUSH', key, tail)
  end
  redis.call('LPUSH', key, '-1')
  return true
end

if quickly() then return 1 end
local ids, tail = held(key)
local ttl_ms = redis.call('PTTL', key)
put(key, ids, tail, capacity)
if ttl_ms > 0 then redis.call('PEXPIRE', key, ttl_ms) end
return 0
"""
)


async def trim(redis: RedisClient, keys: Sequence[bytes], capacity: int) -> None:
    """Leaves each list its newest `capacity` ids, in order. Raises Unavailable."""
    await redis.run_often(TRIM, [([key], arguments(capacity)) for key in keys])


def arguments(capacity: int) -> list[Word]:
    """Those of the script."""
    return [capacity, _NEIGHBOURS, _FEW]
