// A handler of HTTP requests in C without any library, against the canonical ABI by hand: answers a request
// with the SHA-256 (FIPS 180-4) of its body, which it reads piece by piece.

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define HTTP "wasi:http/types@0.2.12"
#define STREAMS "wasi:io/streams@0.2.12"
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

IMPORT(HTTP, "[method]incoming-request.consume") void request_consume(u32 self, void *result);
IMPORT(HTTP, "[method]incoming-body.stream") void incoming_body_stream(u32 self, void *result);
IMPORT(HTTP, "[resource-drop]incoming-request") void drop_request(u32 self);
IMPORT(HTTP, "[resource-drop]incoming-body") void drop_incoming_body(u32 self);
IMPORT(STREAMS, "[method]input-stream.blocking-read") void input_read(u32 self, u64 max, void *result);
IMPORT(STREAMS, "[resource-drop]input-stream") void drop_input(u32 self);
IMPORT(HTTP, "[constructor]fields") u32 new_fields(void);
IMPORT(HTTP, "[method]fields.append")
void fields_append(u32 self, const char *name, u32 name_length, const char *value, u32 value_length,
                   void *result);
IMPORT(HTTP, "[constructor]outgoing-response") u32 new_response(u32 headers);
IMPORT(HTTP, "[method]outgoing-response.set-status-code") u32 set_status(u32 self, u32 status);
IMPORT(HTTP, "[method]outgoing-response.body") void response_body(u32 self, void *result);
IMPORT(HTTP, "[static]response-outparam.set")
void set_response(u32 out, u32 failed, u32 response, u32 p1, u64 p2, u32 p3, u32 p4, u32 p5, u32 p6);
IMPORT(HTTP, "[method]outgoing-body.write") void body_write(u32 self, void *result);
IMPORT(STREAMS, "[method]output-stream.blocking-write-and-flush")
void output_write(u32 self, const u8 *bytes, u32 length, void *result);
IMPORT(STREAMS, "[resource-drop]output-stream") void drop_output(u32 self);
IMPORT(HTTP, "[static]outgoing-body.finish")
void body_finish(u32 self, u32 has_trailers, u32 trailers, void *result);

// What the host allocates for one call is used before the next.
static u8 room[1 << 17] __attribute__((aligned(16)));

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, u32 old_size, u32 align,
                                                                 u32 size) {
  (void)old;
  (void)old_size;
  (void)align;
  if (size > sizeof room) __builtin_trap();
  return room;
}

static const u32 K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static u32 state[8];
static u8 block[64];
static u32 filled;
static u64 total;

static u32 rotate(u32 value, u32 bits) { return value >> bits | value << (32 - bits); }

static void compress(void) {
  u32 w[64];
  for (u32 i = 0; i < 16; i++)
    w[i] = (u32)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
  for (u32 i = 16; i < 64; i++) {
    u32 s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
    u32 s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  u32 v[8];
  for (u32 i = 0; i < 8; i++) v[i] = state[i];
  for (u32 i = 0; i < 64; i++) {
    u32 s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
    u32 choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
    u32 one = v[7] + s1 + choice + K[i] + w[i];
    u32 s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
    u32 majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    for (u32 j = 7; j > 0; j--) v[j] = v[j - 1];
    v[4] += one;
    v[0] = one + s0 + majority;
  }
  for (u32 i = 0; i < 8; i++) state[i] += v[i];
}

static void add(const u8 *bytes, u32 length) {
  total += length;
  for (u32 i = 0; i < length; i++) {
    block[filled++] = bytes[i];
    if (filled == 64) {
      compress();
      filled = 0;
    }
  }
}

static void begin(void) {
  static const u32 first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  for (u32 i = 0; i < 8; i++) state[i] = first[i];
  filled = 0;
  total = 0;
}

static void end(u8 *text) {
  u64 bits = total * 8;
  static const u8 mark = 0x80, zero = 0;
  add(&mark, 1);
  while (filled != 56) add(&zero, 1);
  u8 length[8];
  for (u32 i = 0; i < 8; i++) length[i] = (u8)(bits >> (56 - 8 * i));
  add(length, 8);
  static const char digits[] = "0123456789abcdef";
  for (u32 i = 0; i < 64; i++) text[i] = (u8)digits[state[i / 8] >> (28 - 4 * (i % 8)) & 15];
}

// A discriminant, then a payload at the offset of its alignment.
static u32 area[16] __attribute__((aligned(8)));

static u32 taken(void) {
  if ((u8)area[0] != 0) __builtin_trap();
  return area[1];
}

__attribute__((export_name("wasi:http/incoming-handler@0.2.12#handle"))) void handle(u32 request,
                                                                                     u32 out) {
  begin();
  request_consume(request, area);
  u32 body = taken();
  incoming_body_stream(body, area);
  u32 input = taken();
  for (;;) {
    input_read(input, 65536, area);
    if ((u8)area[0] != 0) break;
    add((const u8 *)area[1], area[2]);
  }
  drop_input(input);
  drop_incoming_body(body);
  drop_request(request);

  u8 text[64];
  end(text);
  u32 fields = new_fields();
  fields_append(fields, "content-type", 12, "text/plain", 10, area);
  fields_append(fields, "content-length", 14, "64", 2, area);
  u32 response = new_response(fields);
  set_status(response, 201);
  response_body(response, area);
  u32 answer = taken();
  set_response(out, 0, response, 0, 0, 0, 0, 0, 0);
  body_write(answer, area);
  u32 output = taken();
  output_write(output, text, 64, area);
  drop_output(output);
  body_finish(answer, 0, 0, area);
}
