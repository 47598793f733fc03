/**
 * The system calls that an agent's process may not make, as a program for the kernel's seccomp filter.
 *
 * It is a second wall behind the namespaces: who has taken over the process finds the less of the
 * kernel to attack. Node must still run in it, so what is refused is listed, and all calls that are
 * newer than the list. Starting another program can't be refused, for the filter is in force when the
 * process starts its own; there is none to start but Node, within the same walls.
 */

/** The machines that there is a list for, as `process.arch` names them. */
export type FilteredArchitecture = 'x64' | 'arm64';

/** Numbers of system calls: on x64, on arm64; null: it isn't there. From the kernel's headers. */
const REFUSED: Readonly<Record<string, readonly [x64: number | null, arm64: number | null]>> = {
  // Other processes.
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  process_mrelease: [448, 448],
  kcmp: [312, 272],
  pidfd_open: [434, 434],
  pidfd_getfd: [438, 438],
  pidfd_send_signal: [424, 424],
  fork: [57, null],
  vfork: [58, null],
  execveat: [322, 281],
  // File systems.
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  swapon: [167, 224],
  swapoff: [168, 225],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  fanotify_init: [300, 262],
  fanotify_mark: [301, 263],
  inotify_init: [253, null],
  inotify_init1: [294, 26],
  inotify_add_watch: [254, 27],
  mknod: [133, null],
  mknodat: [259, 33],
  // Namespaces and who it is.
  setns: [308, 268],
  unshare: [272, 97],
  setuid: [105, 146],
  setgid: [106, 144],
  setreuid: [113, 145],
  setregid: [114, 143],
  setresuid: [117, 147],
  setresgid: [119, 149],
  setgroups: [116, 159],
  setfsuid: [122, 151],
  setfsgid: [123, 152],
  capset: [126, 91],
  // Addresses. It talks over the one socket that it was given.
  socket: [41, 198],
  socketpair: [53, 199],
  bind: [49, 200],
  listen: [50, 201],
  accept: [43, 202],
  accept4: [288, 242],
  connect: [42, 203],
  // Parts of the kernel in which much was found.
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  lookup_dcookie: [212, 18],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  modify_ldt: [154, null],
  remap_file_pages: [216, 234],
  splice: [275, 76],
  tee: [276, 77],
  vmsplice: [278, 75],
  memfd_create: [319, 279],
  memfd_secret: [447, 447],
  shmget: [29, 194],
  shmat: [30, 196],
  shmctl: [31, 195],
  shmdt: [67, 197],
  semget: [64, 190],
  semop: [65, 193],
  semctl: [66, 191],
  semtimedop: [220, 192],
  msgget: [68, 186],
  msgsnd: [69, 189],
  msgrcv: [70, 188],
  msgctl: [71, 187],
  mq_open: [240, 180],
  mq_unlink: [241, 181],
  mq_timedsend: [242, 182],
  mq_timedreceive: [243, 183],
  mq_notify: [244, 184],
  mq_getsetattr: [245, 185],
  mbind: [237, 235],
  get_mempolicy: [239, 236],
  set_mempolicy: [238, 237],
  set_mempolicy_home_node: [450, 450],
  migrate_pages: [256, 238],
  move_pages: [279, 239],
  // The machine itself.
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  reboot: [169, 142],
  ioperm: [173, null],
  iopl: [172, null],
  syslog: [103, 116],
  acct: [163, 89],
  vhangup: [153, 58],
  uselib: [134, null],
  personality: [135, 92],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  adjtimex: [159, 171],
  sethostname: [170, 161],
  setdomainname: [171, 162],
};

/** Answered as if the kernel didn't have them, because C and Node's libraries then do without. */
const ABSENT: typeof REFUSED = {
  // Its flags are behind a pointer, where no filter can read; `clone` is tried next.
  clone3: [435, 435],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
};

const CLONE: readonly [number, number] = [56, 220];
/** Threads are what Node needs of `clone`… */
const CLONE_THREAD = 0x0001_0000;
/** …and no namespace: NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NAMESPACES = 0x7e02_0080;

/** The last call that the list knows; what came later is answered as absent. */
const LAST_KNOWN = 450;
/** On x64, the calls of another calling convention have this bit. */
const X32_BIT = 0x4000_0000;

const ARCHITECTURE: Readonly<Record<FilteredArchitecture, { audit: number; column: 0 | 1 }>> = {
  x64: { audit: 0xc000_003e, column: 0 },
  arm64: { audit: 0xc000_00b7, column: 1 },
};

/** Operation codes of the kernel's BPF machine. */
const BPF = { load: 0x20, equal: 0x15, greater: 0x25, anyBit: 0x45, answer: 0x06 } as const;

/** What the filter can answer. */
const ANSWER = {
  allow: 0x7fff_0000,
  /** EPERM */
  refuse: 0x0005_0001,
  /** ENOSYS */
  absent: 0x0005_0026,
  kill: 0x8000_0000,
} as const;

/** Where the kernel puts what is asked: the call's number, its architecture, its first argument. */
const OFFSET = { number: 0, architecture: 4, firstArgumentLow: 16 } as const;

interface Instruction {
  readonly code: number;
  /** Instructions to skip where the condition holds, and where it does not. */
  readonly ifTrue?: number;
  readonly ifFalse?: number;
  readonly value: number;
}

const answer = (value: number): Instruction => ({ code: BPF.answer, value });
const load = (offset: number): Instruction => ({ code: BPF.load, value: offset });

/** Answers where the condition holds, and goes on where not. */
const answerIf = (code: number, value: number, then: number): Instruction[] => [
  { code, value, ifTrue: 0, ifFalse: 1 },
  answer(then),
];

function answerEach(calls: typeof REFUSED, column: 0 | 1, then: number): Instruction[] {
  return Object.values(calls).flatMap((numbers) => {
    const number = numbers[column];
    return number === null ? [] : answerIf(BPF.equal, number, then);
  });
}

/** The program for a machine, in the bytes that the kernel takes. */
export function seccompProgram(architecture: FilteredArchitecture): Uint8Array {
  const { audit, column } = ARCHITECTURE[architecture];
  const program: Instruction[] = [
    load(OFFSET.architecture),
    { code: BPF.equal, value: audit, ifTrue: 1, ifFalse: 0 },
    answer(ANSWER.kill),
    load(OFFSET.number),
    ...(architecture === 'x64' ? answerIf(BPF.anyBit, X32_BIT, ANSWER.absent) : []),
    ...answerIf(BPF.greater, LAST_KNOWN, ANSWER.absent),
    ...answerEach(ABSENT, column, ANSWER.absent),
    ...answerEach(REFUSED, column, ANSWER.refuse),
    { code: BPF.equal, value: CLONE[column], ifTrue: 1, ifFalse: 0 },
    answer(ANSWER.allow),
    load(OFFSET.firstArgumentLow),
    ...answerIf(BPF.anyBit, CLONE_NAMESPACES, ANSWER.refuse),
    ...answerIf(BPF.anyBit, CLONE_THREAD, ANSWER.allow),
    answer(ANSWER.refuse),
  ];
  return bytesOf(program);
}

function bytesOf(program: readonly Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(program.length * 8));
  for (const [index, { code, ifTrue = 0, ifFalse = 0, value }] of program.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, ifTrue);
    view.setUint8(index * 8 + 3, ifFalse);
    view.setUint32(index * 8 + 4, value, true);
  }
  return new Uint8Array(view.buffer);
}
