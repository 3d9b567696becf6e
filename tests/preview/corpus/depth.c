/* depth */
#include <stdio.h>
int main(void) { printf("%d\n", 15); return 0; }
