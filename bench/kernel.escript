#!/usr/bin/env escript
%% The same work in Erlang, with its own means: spawn to exit, messages of pairs, request and reply.
%% Prints a list of numbers: operations a second, or the microseconds of each request.
-mode(compile).

main(["spawns", Count]) ->
    N = list_to_integer(Count),
    spawns(N div 10),
    print([spawns(N)]);
main(["messages", Pairs, Each, Bytes]) ->
    [P, N, B] = [list_to_integer(Word) || Word <- [Pairs, Each, Bytes]],
    messages(P, N div 10 + 1, B),
    print([messages(P, N, B)]);
main(["requests", Count, Bytes]) ->
    [N, B] = [list_to_integer(Word) || Word <- [Count, Bytes]],
    requests(N div 10, B),
    print(requests(N, B)).

print(Numbers) ->
    io:format("[~s]~n", [lists:join(",", [io_lib:format("~w", [Number]) || Number <- Numbers])]).

per_second(Count, Microseconds) -> Count / Microseconds * 1.0e6.

%% 256 at a time, each waited for by a monitor.
spawns(Count) ->
    Each = Count div 256,
    {Time, ok} = timer:tc(fun() ->
        Starters = [spawn_monitor(fun() -> starter(Each) end) || _ <- lists:seq(1, 256)],
        [receive {'DOWN', Ref, process, _, normal} -> ok end || {_, Ref} <- Starters],
        ok
    end),
    per_second(Each * 256, Time).

starter(0) -> ok;
starter(Left) ->
    {_, Ref} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ref, process, _, normal} -> starter(Left - 1) end.

messages(Pairs, Each, Bytes) ->
    Body = binary:copy(<<0>>, Bytes),
    {Time, ok} = timer:tc(fun() ->
        Sinks = [spawn_monitor(fun() -> sink(Each, Bytes) end) || _ <- lists:seq(1, Pairs)],
        [spawn(fun() -> source(Pid, Each, Body) end) || {Pid, _} <- Sinks],
        [receive {'DOWN', Ref, process, _, normal} -> ok end || {_, Ref} <- Sinks],
        ok
    end),
    per_second(Pairs * Each, Time).

sink(0, _) -> ok;
sink(Left, Bytes) -> receive {_, Body} when byte_size(Body) =:= Bytes -> sink(Left - 1, Bytes) end.

source(_, 0, _) -> ok;
source(Pid, Left, Body) -> Pid ! {self(), Body}, source(Pid, Left - 1, Body).

requests(Count, Bytes) ->
    Echo = spawn(fun echo/0),
    Took = ask(Echo, Count, binary:copy(<<0>>, Bytes), []),
    Echo ! stop,
    Took.

ask(_, 0, _, Took) -> Took;
ask(Echo, Left, Body, Took) ->
    Before = erlang:monotonic_time(nanosecond),
    Ref = make_ref(),
    Echo ! {self(), Ref, Body},
    receive {Ref, Body} -> ok end,
    Nanoseconds = erlang:monotonic_time(nanosecond) - Before,
    ask(Echo, Left - 1, Body, [Nanoseconds / 1000 | Took]).

echo() ->
    receive
        {From, Ref, Body} -> From ! {Ref, Body}, echo();
        stop -> ok
    end.
