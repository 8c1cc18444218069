#include <parseal/parseal.h>

#include <stdio.h>

int main(void)
{
    puts(parseal_version());
    return 0;
}
