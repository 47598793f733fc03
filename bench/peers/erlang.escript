#!/usr/bin/env escript
%% The same work in Erlang, a process a life: milliseconds of lives and jobs, lives a second, bytes of one that waits.
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
    Before = erlang:memory(total),
    Kept = [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, 10000)],
    Bytes = (erlang:memory(total) - Before) / 10000,
    [Pid ! stop || Pid <- Kept],
    io:format("{\"version\":\"~s\",\"lives\":~w,\"rates\":~w,\"compute\":~w,\"calls\":~w,\"bytes\":~w}~n",
        [erlang:system_info(otp_release), Lives, Rates, Compute, Calls, Bytes]).

%% Milliseconds from spawn to the end, seen by a monitor; a life that fails ends the script.
ms(Job) ->
    {Time, normal} = timer:tc(fun() ->
        {_, Ref} = spawn_monitor(Job),
        receive {'DOWN', Ref, process, _, Reason} -> Reason end
    end),
    Time / 1000.

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
