// A client of TCP in C without any library, against the canonical ABI by hand: `netcat HOST PORT` looks the
// host up, sends its standard input there, and writes what comes back to its standard output, both at once.
// When its input ends it says so to the server, and goes on until the server ends too.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define CLI(name) "wasi:cli/" name "@0.2.12"
#define IO(name) "wasi:io/" name "@0.2.12"
#define SOCKETS(name) "wasi:sockets/" name "@0.2.12"
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

IMPORT(CLI("environment"), "get-arguments") void get_arguments(void *result);
IMPORT(CLI("stdin"), "get-stdin") u32 get_stdin(void);
IMPORT(CLI("stdout"), "get-stdout") u32 get_stdout(void);
IMPORT(CLI("stderr"), "get-stderr") u32 get_stderr(void);

IMPORT(IO("poll"), "poll") void poll(const u32 *pollables, u32 count, void *result);
IMPORT(IO("poll"), "[method]pollable.block") void block(u32 pollable);
IMPORT(IO("poll"), "[resource-drop]pollable") void drop_pollable(u32 pollable);
IMPORT(IO("streams"), "[method]input-stream.read") void input_read(u32 stream, u64 max, void *result);
IMPORT(IO("streams"), "[method]input-stream.subscribe") u32 input_subscribe(u32 stream);
IMPORT(IO("streams"), "[method]output-stream.check-write") void check_write(u32 stream, void *result);
IMPORT(IO("streams"), "[method]output-stream.write")
void output_write(u32 stream, const u8 *bytes, u32 length, void *result);
IMPORT(IO("streams"), "[method]output-stream.subscribe") u32 output_subscribe(u32 stream);
IMPORT(IO("streams"), "[method]output-stream.blocking-flush") void blocking_flush(u32 stream, void *result);
IMPORT(IO("streams"), "[method]output-stream.blocking-write-and-flush")
void blocking_write(u32 stream, const u8 *bytes, u32 length, void *result);

IMPORT(SOCKETS("instance-network"), "instance-network") u32 instance_network(void);
IMPORT(SOCKETS("ip-name-lookup"), "resolve-addresses")
void resolve_addresses(u32 network, const u8 *name, u32 length, void *result);
IMPORT(SOCKETS("ip-name-lookup"), "[method]resolve-address-stream.resolve-next-address")
void next_address(u32 stream, void *result);
IMPORT(SOCKETS("ip-name-lookup"), "[method]resolve-address-stream.subscribe")
u32 addresses_subscribe(u32 stream);
IMPORT(SOCKETS("tcp-create-socket"), "create-tcp-socket") void create_socket(u32 family, void *result);
IMPORT(SOCKETS("tcp"), "[method]tcp-socket.start-connect")
// An address: its family; then the port and the parts of an IPv4 or, where there are more, an IPv6 address.
void start_connect(u32 socket, u32 network, u32 family, u32 port, u32 p1, u32 p2, u32 p3, u32 p4, u32 p5,
                   u32 p6, u32 p7, u32 p8, u32 p9, u32 p10, void *result);
IMPORT(SOCKETS("tcp"), "[method]tcp-socket.finish-connect") void finish_connect(u32 socket, void *result);
IMPORT(SOCKETS("tcp"), "[method]tcp-socket.subscribe") u32 socket_subscribe(u32 socket);
IMPORT(SOCKETS("tcp"), "[method]tcp-socket.shutdown") void shutdown(u32 socket, u32 how, void *result);

static const u32 WOULD_BLOCK = 8;
static const char *const ERRORS[] = {
    "unknown",           "access-denied",      "not-supported",        "invalid-argument",
    "out-of-memory",     "timeout",            "concurrency-conflict", "not-in-progress",
    "would-block",       "invalid-state",      "new-socket-limit",     "address-not-bindable",
    "address-in-use",    "remote-unreachable", "connection-refused",   "connection-reset",
    "connection-aborted", "datagram-too-large", "name-unresolvable",   "temporary-resolver-failure",
    "permanent-resolver-failure"};

// What the host allocates: the arguments, kept; then one list after the other, each used before the next.
static u8 room[1 << 17] __attribute__((aligned(16)));
static u32 kept = 0, used = 0;

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, u32 old_size, u32 align,
                                                                 u32 size) {
  (void)old;
  (void)old_size;
  used = (used + align - 1) / align * align;
  if (size > sizeof room - used) __builtin_trap();
  used += size;
  return room + used - size;
}

// A discriminant, then a payload at the offset of its alignment.
static u32 area[16] __attribute__((aligned(8)));

static u8 *answer(void) {
  used = kept;
  return (u8 *)area;
}

static u32 failed(void) { return (u8)area[0] != 0; }

static u32 length_of(const char *text) {
  u32 length = 0;
  while (text[length] != 0) length++;
  return length;
}

static u32 fail(const char *step, u32 code) {
  const char *parts[] = {step, ": ", code < sizeof ERRORS / sizeof *ERRORS ? ERRORS[code] : "broken off", "\n"};
  u32 output = get_stderr();
  for (u32 i = 0; i < 4; i++) blocking_write(output, (const u8 *)parts[i], length_of(parts[i]), answer());
  return 1;
}

static void wait_for(u32 pollable) {
  block(pollable);
  drop_pollable(pollable);
}

// One way of the conversation: what was read, and of that what is written.
struct way {
  u32 from, to;
  u32 start, end, ended;
  u8 bytes[16384];
};
static struct way sending, receiving;

// Moves what can be moved. Answers 0 when nothing can any more, 1 to be asked again, 2 where it broke off.
static u32 move(struct way *way) {
  for (;;) {
    if (way->start < way->end) {
      check_write(way->to, answer());
      if (failed()) return 2;
      u64 room = *(u64 *)(area + 2);
      if (room == 0) return 1;
      u32 length = way->end - way->start;
      if (length > room) length = (u32)room;
      output_write(way->to, way->bytes + way->start, length, answer());
      if (failed()) return 2;
      way->start += length;
    } else {
      if (way->ended) return 0;
      input_read(way->from, sizeof way->bytes, answer());
      if (failed()) {
        if ((u8)area[1] == 0) return 2;
        way->ended = 1;
        continue;
      }
      u8 *bytes = (u8 *)area[1];
      way->start = 0;
      way->end = area[2];
      if (way->end == 0) return 1;
      for (u32 i = 0; i < way->end; i++) way->bytes[i] = bytes[i];
    }
  }
}

static u32 subscribe(struct way *way) {
  return way->start < way->end ? output_subscribe(way->to) : input_subscribe(way->from);
}

static u32 converse(u32 socket) {
  u32 sends = 1;
  for (;;) {
    u32 sent = sends ? move(&sending) : 0;
    if (sends && sent == 0) {
      blocking_flush(sending.to, answer());
      shutdown(socket, 1, answer());
      sends = 0;
    }
    u32 received = move(&receiving);
    if (sent == 2 || received == 2) return fail("conversation", ~0u);
    if (received == 0) {
      blocking_flush(receiving.to, answer());
      return 0;
    }
    u32 pollables[2] = {subscribe(&receiving), 0};
    if (sends) pollables[1] = subscribe(&sending);
    poll(pollables, 1 + sends, answer());
    drop_pollable(pollables[0]);
    if (sends) drop_pollable(pollables[1]);
  }
}

// Connects to the first address of the name that there is.
static u32 connect(u32 socket, u32 network, const u8 *name, u32 length, u32 port) {
  resolve_addresses(network, name, length, answer());
  if (failed()) return fail("lookup", ((u8 *)area)[4]);
  u32 addresses = area[1];
  do {
    wait_for(addresses_subscribe(addresses));
    next_address(addresses, answer());
  } while (failed() && ((u8 *)area)[2] == WOULD_BLOCK);
  if (failed()) return fail("lookup", ((u8 *)area)[2]);
  // A result of an option of a variant: discriminants at 0, 2 and 4, the address at 6.
  u8 *bytes = (u8 *)area;
  if (bytes[2] == 0 || bytes[4] != 0) return fail("lookup", 18);
  start_connect(socket, network, 0, port, bytes[6], bytes[7], bytes[8], bytes[9], 0, 0, 0, 0, 0, 0, answer());
  if (failed()) return fail("connect", ((u8 *)area)[1]);
  do {
    wait_for(socket_subscribe(socket));
    finish_connect(socket, answer());
  } while (failed() && ((u8 *)area)[4] == WOULD_BLOCK);
  if (failed()) return fail("connect", ((u8 *)area)[4]);
  receiving.from = area[1];
  sending.to = area[2];
  return 0;
}

__attribute__((export_name("wasi:cli/run@0.2.12#run"))) u32 run(void) {
  get_arguments(answer());
  kept = used;
  struct { const u8 *bytes; u32 length; } *arguments = (void *)area[0];
  if (area[1] != 3) return fail("arguments", 3);
  u32 port = 0;
  for (u32 i = 0; i < arguments[2].length; i++) port = port * 10 + arguments[2].bytes[i] - '0';
  create_socket(0, answer());
  if (failed()) return fail("socket", ((u8 *)area)[4]);
  u32 socket = area[1];
  if (connect(socket, instance_network(), arguments[1].bytes, arguments[1].length, port) != 0) return 1;
  sending.from = get_stdin();
  receiving.to = get_stdout();
  return converse(socket);
}
