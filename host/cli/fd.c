#include "host/cli/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/* Returns true when a call that has failed is to be made again. It waits for a pipe that its other
 * end, or an earlier program, has set to O_NONBLOCK. */
static bool again(int fd, short events)
{
    if (errno == EINTR)
        return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return false;
    struct pollfd ready = {fd, events, 0};
    return poll(&ready, 1, -1) >= 0 || errno == EINTR;
}

int fd_open_to_read(const char *path)
{
    int fd;
    do
        fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    return fd;
}

ssize_t fd_read_all(int fd, void *bytes, size_t size)
{
    char *to = bytes;
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, to + done, size - done);
        if (n == 0)
            break;
        if (n < 0 && !again(fd, POLLIN))
            return -1;
        done += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)done;
}

bool fd_write_all(int fd, const void *bytes, size_t size)
{
    const char *rest = bytes;
    while (size > 0) {
        ssize_t n = write(fd, rest, size);
        if (n < 0 && !again(fd, POLLOUT))
            return false;
        rest += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool fd_sync(int fd)
{
    int result;
    do
        result = fsync(fd);
    while (result != 0 && errno == EINTR);
    return result == 0;
}
