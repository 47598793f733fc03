#!/usr/bin/env escript
%% The same work in Erlang, a process a life: milliseconds of lives and jobs, lives a second, bytes of one that waits, as the system counts them.
-mode(compile).

-define(STEPS, 20000000).
-define(HASH, 3855119557).
-define(CALLS, 100000).

main(_) ->
    rate(10000),
    Lives = [ms(fun() -> ok end) || _ <- lists:seq(1, 2000)],
    Rates = [rate(50000) || _ <- lists:seq(1, 5)],
    Compute = [ms(fun() -> ?HASH = hash(0, 16#811c9dc5) end) || _ <- lists:seq(1, 3)],
    Calls = [ms(fun() -> calls(?CALLS) end) || _ <- lists:seq(1, 5)],
    First = keep(50000),
    Before = resident(),
    Second = keep(50000),
    Bytes = each(Before, resident(), 50000),
    [Pid ! stop || Pid <- First ++ Second],
    io:format("{\"version\":\"~s\",\"lives\":~w,\"rates\":~w,\"compute\":~w,\"calls\":~w,\"bytes\":~w}~n",
        [erlang:system_info(otp_release), Lives, Rates, Compute, Calls, Bytes]).

%% Milliseconds from spawn to the end, seen by a monitor; a life that fails ends the script.
ms(Job) ->
    Start = erlang:monotonic_time(nanosecond),
    {_, Ref} = spawn_monitor(Job),
    normal = receive {'DOWN', Ref, process, _, Reason} -> Reason end,
    (erlang:monotonic_time(nanosecond) - Start) / 1.0e6.

keep(Count) -> [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, Count)].

each(null, _, _) -> null;
each(Before, After, Count) -> (After - Before) / Count.

%% Bytes of this program's memory; null where the system does not tell.
resident() ->
    case file:read_file("/proc/self/smaps_rollup") of
        {ok, Text} ->
            {match, [KiB]} = re:run(Text, "\\nPss: +([0-9]+)", [{capture, all_but_first, list}]),
            list_to_integer(KiB) * 1024;
        _ -> null
    end.

rate(Count) ->
    Starter = fun() -> starter(Count div 64) end,
    {Time, ok} = timer:tc(fun() ->
        Starters = [spawn_monitor(Starter) || _ <- lists:seq(1, 64)],
        [receive {'DOWN', Ref, process, _, _} -> ok end || {_, Ref} <- Starters],
        ok
    end),
    Count / Time * 1.0e6.

starter(0) -> ok;
starter(Left) ->
    {_, Ref} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ref, process, _, _} -> starter(Left - 1) end.

hash(?STEPS, Value) -> Value;
hash(Step, Value) -> hash(Step + 1, ((Value bxor Step) * 16#01000193) band 16#ffffffff).

calls(0) -> ok;
calls(Left) ->
    erlang:monotonic_time(),
    calls(Left - 1).
