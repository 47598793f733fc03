#!/usr/bin/env escript
%% The same work in Erlang, with its own means: spawn to exit, messages of 32 pairs, request and reply.
-mode(compile).

main(_) ->
    spawns(10000),
    Spawn = spawns(100000),
    messages(1000),
    Messages = lists:max([messages(10000) || _ <- [1, 2, 3]]),
    requests(1000),
    Request = requests(20000),
    io:format("{\"spawn\":~w,\"messages\":~w,\"request_us\":~w}~n", [Spawn, Messages, Request]).

per_second(Count, Microseconds) -> Count / Microseconds * 1.0e6.

%% 256 at a time, each waited for by a monitor.
spawns(Count) ->
    Self = self(),
    {Time, ok} = timer:tc(fun() ->
        Starters = [spawn_monitor(fun() -> starter(Count div 256, Self) end) || _ <- lists:seq(1, 256)],
        [receive {'DOWN', Ref, process, _, _} -> ok end || {_, Ref} <- Starters],
        ok
    end),
    per_second(Count, Time).

starter(0, _) -> ok;
starter(Left, Self) ->
    {_, Ref} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ref, process, _, _} -> starter(Left - 1, Self) end.

messages(Count) ->
    {Time, ok} = timer:tc(fun() ->
        Sinks = [spawn_monitor(fun() -> sink(Count) end) || _ <- lists:seq(1, 32)],
        [spawn(fun() -> source(Pid, Count) end) || {Pid, _} <- Sinks],
        [receive {'DOWN', Ref, process, _, _} -> ok end || {_, Ref} <- Sinks],
        ok
    end),
    per_second(32 * Count, Time).

sink(0) -> ok;
sink(Left) -> receive _ -> sink(Left - 1) end.

source(_, 0) -> ok;
source(Pid, Left) -> Pid ! {self(), <<"0123456789abcdef">>}, source(Pid, Left - 1).

requests(Count) ->
    Echo = spawn(fun echo/0),
    {Time, ok} = timer:tc(fun() -> ask(Echo, Count) end),
    Echo ! stop,
    Time / Count.

ask(_, 0) -> ok;
ask(Echo, Left) ->
    Ref = make_ref(),
    Echo ! {self(), Ref, <<"0123456789abcdef">>},
    receive {Ref, _} -> ask(Echo, Left - 1) end.

echo() ->
    receive
        {From, Ref, Body} -> From ! {Ref, Body}, echo();
        stop -> ok
    end.
