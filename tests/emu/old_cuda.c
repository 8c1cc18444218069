/* A libcuda that is too old: it lacks all but two of the functions that are needed. */

int cuInit(unsigned flags);
int cuInit(unsigned flags)
{
    (void)flags;
    return 0;
}

int cuDeviceGetCount(int *n);
int cuDeviceGetCount(int *n)
{
    *n = 1;
    return 0;
}
