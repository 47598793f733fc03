/* Included before each source: declares what POSIX has and wasi-libc doesn't. See posix.c. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

#define L_tmpnam 20
#define TMP_MAX 10000

int chmod(const char *, mode_t);
int fchmod(int, mode_t);
int chown(const char *, uid_t, gid_t);
int fchown(int, uid_t, gid_t);
mode_t umask(mode_t);
int mkstemp(char *);
uid_t geteuid(void);
int system(const char *);
FILE *popen(const char *, const char *);
int pclose(FILE *);

/* Locks between processes: fcntl's, which wasi-libc's own knows nothing of. */
#define F_GETLK 5
#define F_SETLK 6
#define F_SETLKW 7
#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2

int posix_fcntl(int, int, ...);
#define fcntl posix_fcntl
