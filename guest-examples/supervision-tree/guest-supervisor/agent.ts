// The agents of the tree in README.md that supervise: which of them it is its second argument says.

import { Grant, RestartType } from 'ringfence/agent/process';
import { getArguments } from 'wasi/cli/environment';
import { Result, Unit } from 'wit/values';
import { Child, Rules, Supervisor } from './supervisor';

/** To be asked to stop, and to hear of its restarts. */
const HEARS: Grant[] = [new Grant('ipc', ['receive'])];
const SUPERVISES: Grant[] = [
  new Grant('ipc', ['receive']),
  new Grant('spawn', ['count:2', 'depth:1', '*']),
];

export function run(): Result<Unit, string> {
  const args = getArguments();
  const role = args.length > 1 ? args[1] : '';
  if (role == 'shop') return shop().run();
  if (role == 'clerks') return clerks().run();
  if (role == 'doomed') return doomed().run();
  return Result.err<Unit, string>(`'${role}' is no part of the tree: say shop, clerks or doomed`);
}

function shop(): Supervisor {
  const supervisor = new Supervisor(rules(3));
  supervisor.add(worker('ledger', RestartType.Permanent));
  supervisor.add(
    new Child(
      'clerks',
      'guest-supervisor',
      ['guest-supervisor', 'clerks'],
      SUPERVISES,
      RestartType.Permanent,
    ),
  );
  supervisor.add(worker('report', RestartType.Transient));
  return supervisor;
}

function clerks(): Supervisor {
  const supervisor = new Supervisor(rules(2));
  supervisor.add(worker('ada', RestartType.Permanent));
  supervisor.add(worker('bob', RestartType.Permanent));
  return supervisor;
}

/** One of its children crashes whenever it is started. */
function doomed(): Supervisor {
  const supervisor = new Supervisor(rules(3));
  supervisor.add(worker('ledger', RestartType.Permanent));
  supervisor.add(
    new Child('crasher', 'crasher', ['crasher', 'crash'], HEARS, RestartType.Permanent),
  );
  return supervisor;
}

function worker(id: string, restart: RestartType): Child {
  return new Child(id, 'crasher', ['crasher'], HEARS, restart);
}

/** Short waits, for an example that is watched. */
function rules(intensity: i32): Rules {
  const own = new Rules();
  own.intensity = intensity;
  own.backoffMs = 5;
  return own;
}
