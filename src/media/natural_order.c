#include "media/natural_order.h"

#include <string.h>

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Compares the numbers that begin at *a and *b and goes past them. */
static int compare_numbers(const char **a, const char **b)
{
    size_t na, nb;
    int order;

    while (**a == '0')
        ++*a;
    while (**b == '0')
        ++*b;
    for (na = 0; is_digit((*a)[na]);)
        na++;
    for (nb = 0; is_digit((*b)[nb]);)
        nb++;
    order = na != nb ? (na < nb ? -1 : 1) : memcmp(*a, *b, na);
    *a += na, *b += nb;
    return order;
}

int natural_compare(const char *a, const char *b)
{
    const char *whole_a = a, *whole_b = b;

    while (*a && *b) {
        int order;

        if (is_digit(*a) && is_digit(*b)) {
            order = compare_numbers(&a, &b);
        } else {
            order = (unsigned char)*a - (unsigned char)*b;
            a++, b++;
        }
        if (order)
            return order;
    }
    if (*a || *b)
        return *a ? 1 : -1;
    if (strlen(whole_a) != strlen(whole_b)) /* fewer zeros first */
        return strlen(whole_a) < strlen(whole_b) ? -1 : 1;
    return strcmp(whole_a, whole_b);
}
