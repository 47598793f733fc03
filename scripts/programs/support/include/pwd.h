/* wasi-libc has no pwd.h: WASI knows no users. */
#pragma once

#include <sys/types.h>

struct passwd {
  char *pw_name;
  char *pw_dir;
};

uid_t getuid(void);
struct passwd *getpwuid(uid_t);
