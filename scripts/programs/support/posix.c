/*
 * What POSIX has and wasi-libc (as Debian builds it, without its emulation libraries) doesn't. WASI
 * has no modes, owners, processes or signals: setting a mode or owner does nothing, starting a
 * process fails, no signal ever comes, and CPU time is the time since the start.
 */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

int chmod(const char *path, mode_t mode) { return 0; }
int fchmod(int file, mode_t mode) { return 0; }
int chown(const char *path, uid_t owner, gid_t group) { return 0; }
int fchown(int file, uid_t owner, gid_t group) { return 0; }
mode_t umask(mode_t mask) { return 022; }
uid_t getuid(void) { return 1000; }
uid_t geteuid(void) { return 1000; }
pid_t getpid(void) { return 42; }
struct passwd *getpwuid(uid_t user) { return NULL; }

static int unsupported(void) {
  errno = ENOTSUP;
  return -1;
}

int system(const char *command) { return command == NULL ? 0 : unsupported(); }
FILE *popen(const char *command, const char *mode) {
  unsupported();
  return NULL;
}
int pclose(FILE *stream) { return unsupported(); }

void (*signal(int number, void (*handler)(int)))(int) { return SIG_DFL; }
int raise(int number) { abort(); }

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
  unsupported();
  return MAP_FAILED;
}
int munmap(void *address, size_t length) { return unsupported(); }

/* Every lock is had: there is nobody else in this process, and WASI has none between processes. */
#undef fcntl
int posix_fcntl(int file, int command, ...) {
  va_list rest;
  va_start(rest, command);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  if (command == F_SETLK || command == F_SETLKW) return 0;
  if (command == F_GETLK) {
    ((struct flock *)argument)->l_type = F_UNLCK;
    return 0;
  }
  return fcntl(file, command, argument);
}

/* The time since the first call: the nearest there is to CPU time. */
static long long nanoseconds(void) {
  static long long start;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  long long read = now.tv_sec * 1000000000LL + now.tv_nsec;
  if (start == 0) start = read;
  return read - start;
}

clock_t clock(void) { return nanoseconds() / (1000000000LL / CLOCKS_PER_SEC); }

clock_t times(struct tms *result) {
  memset(result, 0, sizeof *result);
  return result->tms_utime = clock();
}

int getrusage(int who, struct rusage *usage) {
  long long passed = nanoseconds();
  memset(usage, 0, sizeof *usage);
  usage->ru_utime.tv_sec = passed / 1000000000LL;
  usage->ru_utime.tv_usec = passed / 1000 % 1000000;
  return 0;
}

/* Puts six random letters in place of the X's at the end. */
static int random_name(char *template) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
  size_t length = strlen(template);
  if (length < 6 || strcmp(template + length - 6, "XXXXXX") != 0) {
    errno = EINVAL;
    return -1;
  }
  for (char *letter = template + length - 6; *letter != 0; letter++) {
    *letter = letters[arc4random_uniform(sizeof letters - 1)];
  }
  return 0;
}

int mkstemp(char *template) {
  for (int attempt = 0; attempt < 100; attempt++) {
    if (attempt > 0) strcpy(template + strlen(template) - 6, "XXXXXX");
    if (random_name(template) != 0) return -1;
    int file = open(template, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file >= 0 || errno != EEXIST) return file;
  }
  return -1;
}

char *tmpnam(char *buffer) {
  static char own[L_tmpnam];
  char *name = buffer == NULL ? own : buffer;
  strcpy(name, "/tmp/file_XXXXXX");
  return random_name(name) == 0 ? name : NULL;
}

FILE *tmpfile(void) {
  char name[] = "/tmp/file_XXXXXX";
  int file = mkstemp(name);
  if (file < 0) return NULL;
  unlink(name);
  return fdopen(file, "w+");
}
