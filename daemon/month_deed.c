/* A table of acts. It decides nothing: each act's own file says what it wants and refuses. */
#include "kefu/daemon/month_deed.h"

#include <assert.h>

#include "kefu/daemon/month_propose.h"

static const struct {
    enum month_outcome (*how)(struct months *, const struct month_act *, struct err *);
    const char *done, *refused;
} deeds[] = {
    [DEED_CLOSE] = {months_close, "month.close", "month.close"},
    [DEED_REOPEN] = {months_reopen, "month.reopen", "month.reopen"},
    [DEED_ADJUST] = {months_adjust, "adjustment.accept", "adjustment.reject"},
    [DEED_PROPOSE] = {months_propose, "proposal.confirm", "proposal.dismiss"},
};

enum month_outcome month_do(struct months *m, enum month_deed deed, const struct month_act *act, struct err *e)
{
    assert(deed != DEED_NONE);
    return deeds[deed].how(m, act, e);
}

const char *month_did(enum month_deed deed, bool accept)
{
    return accept ? deeds[deed].done : deeds[deed].refused;
}
