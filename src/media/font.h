/* font: letters of five by seven dots for ASCII, drawn for this program. */
#ifndef SCI_MEDIA_FONT_H
#define SCI_MEDIA_FONT_H

enum { FONT_WIDTH = 5, FONT_HEIGHT = 7, FONT_FIRST = 32, FONT_LAST = 126 };

/* FONT_HEIGHT rows from the top; in each the low FONT_WIDTH bits are the columns, the left one highest. Never
 * NULL. */
const unsigned char *font_glyph(unsigned char c);

#endif
