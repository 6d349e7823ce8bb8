#include_next <errno.h>
#undef errno
int *__errno(void) __attribute__((const));
#define errno (*__errno())
