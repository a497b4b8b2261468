/* natural_order: names as people count them: "img2" before "img10". */
#ifndef SCI_MEDIA_NATURAL_ORDER_H
#define SCI_MEDIA_NATURAL_ORDER_H

/*
 * Negative, 0 or positive, as strcmp. Runs of digits are compared by their value, of any length; equal values
 * by their number of leading zeros; everything else by bytes. 0 only for equal texts, so that an order does
 * not depend on the sorter.
 */
int natural_compare(const char *a, const char *b);

#endif
