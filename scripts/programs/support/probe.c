/* Can this compiler make a module? Needs the C library and, for long double, the compiler's own. */
#include <stdio.h>

int main(int count, char **arguments) { return printf("%Lf\n", (long double)count / 3) < 0; }
