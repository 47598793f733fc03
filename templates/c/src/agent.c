// Greets, then answers each request with how many words it has, until nobody asks any more.

#include "agent.h"

static uint64_t patience_ms = 1000;

static size_t count_words(const agent_string_t *text) {
  size_t words = 0;
  bool within = false;
  for (size_t index = 0; index < text->len; index++) {
    bool blank = text->ptr[index] == ' ';
    if (!blank && !within) words++;
    within = !blank;
  }
  return words;
}

static void answer(const ringfence_agent_ipc_request_message_t *request) {
  if (request->payload.tag != RINGFENCE_AGENT_TYPES_PAYLOAD_TEXT) return;
  size_t words = count_words(&request->payload.val.text);
  // Not by printf: then the agent would import the streams of WASI.
  uint8_t digits[20];
  size_t first = sizeof digits;
  do {
    digits[--first] = '0' + words % 10;
    words /= 10;
  } while (words > 0);
  ringfence_agent_types_payload_t reply = { .tag = RINGFENCE_AGENT_TYPES_PAYLOAD_TEXT };
  reply.val.text = (agent_string_t) { digits + first, sizeof digits - first };
  ringfence_agent_types_error_t error;
  if (!ringfence_agent_ipc_reply(request->correlation, &reply, &error)) {
    ringfence_agent_types_error_free(&error);
  }
}

bool exports_agent_run(agent_string_t *err) {
  (void) err;
  agent_string_t greeting;
  agent_string_set(&greeting, "hello from inside the fence");
  ringfence_agent_log_log(RINGFENCE_AGENT_LOG_LEVEL_INFO, &greeting);

  ringfence_agent_ipc_filter_t any = { .tag = RINGFENCE_AGENT_IPC_FILTER_ANY };
  for (bool asked = true; asked;) {
    ringfence_agent_ipc_received_t received;
    ringfence_agent_types_error_t error;
    if (!ringfence_agent_ipc_receive(&any, &patience_ms, &received, &error)) {
      // Nobody asks any more, or it is not granted to talk to anybody.
      ringfence_agent_types_error_free(&error);
      return true;
    }
    if (received.tag == RINGFENCE_AGENT_IPC_RECEIVED_REQUEST) answer(&received.val.request);
    asked = received.tag != RINGFENCE_AGENT_IPC_RECEIVED_CANCELLED;
    ringfence_agent_ipc_received_free(&received);
  }
  return true;
}
