/* A period is a civil day or a civil month of the site's time zone, as a number (base/tz.h). */
#ifndef KEFU_MODEL_PERIOD_H
#define KEFU_MODEL_PERIOD_H

enum period_kind { PERIOD_NONE = 0, PERIOD_DAY = 1, PERIOD_MONTH = 2 };

#endif
