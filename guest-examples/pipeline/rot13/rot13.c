/* Writes its standard input to its standard output with each Latin letter moved by 13 places. */
#include <stdio.h>

static int turned(int byte) {
  if (byte >= 'a' && byte <= 'z') return 'a' + (byte - 'a' + 13) % 26;
  if (byte >= 'A' && byte <= 'Z') return 'A' + (byte - 'A' + 13) % 26;
  return byte;
}

int main(void) {
  for (int byte = getchar(); byte != EOF; byte = getchar()) {
    if (putchar(turned(byte)) == EOF) return 1;
  }
  return ferror(stdin) || fflush(stdout) == EOF;
}
