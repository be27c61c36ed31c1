"""The claims, one a module: NUMBER, TITLE, and run(stage), which shows it."""

from . import (deletion, deny, flips, handshake, internet, isolation, joining, keys, live, many, names, parallel, repair,
               sign_in)

ALL = sorted((sign_in, handshake, deny, isolation, parallel, flips, repair, many, live, internet, names, deletion, keys,
              joining),
             key=lambda claim: claim.NUMBER)
