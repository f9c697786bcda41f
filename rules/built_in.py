"""The texts that we ship: used where the files lack one, and where a file's own one fails.

Public ones acknowledge, say what is affected, what we do and when we write
again.  They name no cause, promise no repair time and hold no label values.
Those that can occur twice carry a time or an age, so that no channel gets one
text twice in a row.  Kinds with little room have their own variants.
"""

from __future__ import annotations

from collections.abc import Mapping

NEXT = (
    "{% if next_update %} We will post the next update by {{ next_update }}."
    "{% else %} We will post again as soon as there is news.{% endif %}"
)
SHORT_LINK = " Updates: {{ page_url }}"
DETAILS = " Details: {{ page_url }}"
SORRY = "We are sorry for the disruption and thank you for your patience."


def _sized(default: str, short: str) -> Mapping[str, str]:
    return {"default": default, "x": short, "sms": short, "bluesky": short, "mastodon": short}


_PUBLIC: Mapping[str, Mapping[str, str]] = {
    "investigating": _sized(
        "We are aware that {{ effect }}. Our team is investigating." + NEXT,
        "We are aware that {{ effect }}. Our team is investigating." + SHORT_LINK,
    ),
    "identified": _sized(
        "We have found the cause, and our team is working on the repair."
        " Until that is done, {{ effect }}." + NEXT,
        "We have found the cause and are working on the repair. Until that is done, {{ effect }}."
        + SHORT_LINK,
    ),
    "holding": _sized(
        "{% if status == monitoring %}"
        "As of {{ time }}, {{ recovery }}. The problem began {{ age }} ago,"
        " and we are still watching before we call it resolved."
        "{% else %}"
        "This problem began {{ age }} ago, at {{ since }}, and {{ effect_still }}."
        "{% if status == identified %} We have found the cause; the repair is still under way."
        "{% else %} Our team is still looking for the cause and for a way to repair it.{% endif %}"
        "{% endif %}" + NEXT,
        "{% if status == monitoring %}As of {{ time }}, {{ recovery }}, and we are still watching closely."
        "{% else %}After {{ age }}, {{ effect_still }}."
        " We are {% if status == identified %}working on the repair{% else %}still investigating{% endif %}."
        "{% endif %}" + SHORT_LINK,
    ),
    "monitoring": _sized(
        "As of {{ time }}, {{ recovery }}."
        " We are watching closely before we call this incident resolved."
        "{% if next_update %} We will post the next update by {{ next_update }}.{% endif %}",
        "As of {{ time }}, {{ recovery }}. We are watching closely." + SHORT_LINK,
    ),
    "resolved": _sized(
        "This incident, which began at {{ since }}, is resolved as of {{ time }}: {{ recovery }}. " + SORRY,
        "Resolved at {{ time }}: {{ recovery }}. We are sorry and thank you for your patience." + DETAILS,
    ),
    "relapse": _sized(
        "The problem has returned: as of {{ time }}, {{ effect }}."
        " Our team is working on it again, and we are sorry for the renewed disruption." + NEXT,
        "The problem has returned: as of {{ time }}, {{ effect }}. Our team is working on it." + SHORT_LINK,
    ),
    "false_alarm": _sized(
        "Our earlier report was a false alarm: we have checked, and"
        " {% if components %}{{ components | names(8) }} {{ components | plural('was', 'were') }}"
        "{% else %}our services were{% endif %} working normally."
        " We are sorry for the confusion and thank you for your patience.",
        "Our earlier report{% if components %} about {{ components | names(3) }}{% endif %}"
        " was a false alarm. We are sorry for the confusion." + DETAILS,
    ),
    "promised": {
        "default": "{% if next_update %}Next update by {{ next_update }}.{% else %}More soon.{% endif %}"
    },
    "short": {
        "default": "{% if age_minutes >= 30 %}After {{ age }}, {{ effect_still }}."
        "{% else %}We are aware that {{ effect }}.{% endif %}"
        " Our team is {% if status == identified %}working on the repair{% else %}investigating{% endif %}."
        + SHORT_LINK,
    },
    "title": {
        "default": "{{ components | names(4) | upper_first }}:"
        " {% if impact == critical %}major outage{% elif impact == major %}partial outage"
        "{% elif impact == minor %}degraded performance{% else %}under investigation{% endif %}",
    },
}

# The alert's own words; only channels that customers never see get these.
_ALERT = "{{ label('alertname') or title or 'An alert without a name' }}"
_LABELS = (
    "{% for name, value in labels | items %}{% if name != 'alertname' and loop.index <= 12 %}"
    "\n{{ name }}: {{ value }}{% endif %}{% endfor %}"
)
_COMMAND = "{% if incident %} (tocsin incident update {{ incident }}){% endif %}"
_READY = "{% if ready %}\n\n{{ ready }}{% endif %}"
# Approvals name their step as the reason too: they end without closing its occasion.
_OF_STEP = "{% if step or reason %} (step {{ step or reason }}){% endif %}"
_STEP = "{% if step %}step {{ step }}{% else %}a step of the plan{% endif %}"
_REASON = "{% if reason %} Reason: {{ reason }}.{% endif %}"

_INTERNAL: Mapping[str, str] = {
    "internal_note": _ALERT + " since {{ since }}: {{ alerts_firing }} of {{ alerts_total }}"
    " {{ alerts_total | plural('alert') }} firing, impact {{ impact }}"
    "{% if components %}, affects {{ components | names }}{% endif %}. Customers have "
    "{% if told %}been told on {{ told | list }}{% else %}not been told{% endif %}."
    "{% if note %}\n{{ note | truncate(500) }}{% endif %}" + _LABELS,
    "internal_end": _ALERT + " is over after {{ age }}."
    "{% if alerts_firing %} {{ alerts_firing }} {{ alerts_firing | plural('alert') }} still"
    " {{ alerts_firing | plural('fires', 'fire') }}.{% else %} No alert fires any more.{% endif %}",
}

_ASK: Mapping[str, str] = {
    "ask": "{{ heading }} needs a person.{% if reason %} {{ reason | upper_first }}.{% endif %}" + _READY,
    "ask_update": "{% if status == resolved %}"
    "{{ heading }} is resolved{% if postmortem_scheduled %}, and step {{ step }} asks you to look at it"
    "{% else %}, and its post-mortem has no date yet. Please set one{% endif %}."
    "{% else %}"
    "{{ heading }}: it is time for {% if last_update_age %}the next{% else %}an{% endif %} update"
    "{% if next_update %}; customers were promised one by {{ next_update }}{% endif %}."
    "{% if last_update_age %} The last one went out {{ last_update_age }} ago"
    "{% if unattended > 1 %}, and the last {{ unattended }} were automatic{% endif %}.{% endif %}"
    " Please write what is new" + _COMMAND + "."
    "{% if ready %} Without it, this goes out:{% endif %}" + _READY + "{% endif %}",
    "ask_approval": "{{ heading }}: the text below" + _OF_STEP + " is ready"
    "{% if need == 'veto' %} and goes out{% if until %} at {{ until }}{% endif %} unless somebody vetoes it"
    "{% if incident and step %} (tocsin veto {{ incident }} {{ step }}){% endif %}."
    "{% elif need %} and needs the approval of"
    "{% if need == 'two' %} two different people{% else %} one person{% endif %}"
    "{% if until %} by {{ until }}{% endif %}"
    "{% if incident and step %} (tocsin approve {{ incident }} {{ step }}){% endif %}."
    "{% if otherwise == 'post' %} Without an answer it goes out then."
    "{% elif otherwise == 'skip' %} Without an answer it does not go out.{% endif %}"
    "{% else %} and waits for your answer{% if until %} until {{ until }}{% endif %}.{% endif %}" + _READY,
    "ask_taken_over": "{{ heading }}: a person has taken over, so this text"
    + _OF_STEP
    + " does not go out by itself."
    " Please send it as it is or write your own" + _COMMAND + "." + _READY,
    "ask_limit": "{{ heading }}: " + _STEP + " has spoken as often as its limit allows"
    " and now stays silent. Please write the next update" + _COMMAND + "." + _READY,
    "ask_repeat": "{{ heading }}: " + _STEP + " would say the same words again,"
    " so nothing went out. Please write what is new" + _COMMAND + "." + _READY,
    "ask_stale": "{{ heading }}: the monitor has sent nothing about it for too long, although its"
    " {{ alerts_firing | plural('alert') }} still {{ alerts_firing | plural('counts', 'count') }} as firing."
    " The incident stays open until a person resolves it; please check the monitor and the service.",
    "ask_still_firing": "{{ heading }} was resolved by a person, but"
    " {{ alerts_firing }} {{ alerts_firing | plural('alert') }} still"
    " {{ alerts_firing | plural('fires', 'fire') }}. Please check whether it is really over.",
    "ask_nothing_said": "{{ heading }}: no public update has gone out, so customers know nothing yet"
    " ({{ age }} since it began). Please write one"
    + _COMMAND
    + " or retract the incident if it was a false alarm."
    + _READY,
    "ask_skipped": "{{ heading }}: nobody approved the text below" + _OF_STEP + " in time,"
    " so it did not go out. Please send it or write your own" + _COMMAND + "." + _READY,
    "ask_rule_failed": "{{ heading }}: a rule failed"
    "{% if step %} in step {{ step }}{% endif %}, and the built-in behaviour took its place."
    + _REASON
    + " Please correct the rule file and reload."
    + _READY,
    "take_over_ending": "{{ heading }}: the take-over{% if reason %} by {{ reason }}{% endif %} ends"
    " {% if minutes_left %}in {{ minutes_left }} {{ minutes_left | plural('minute') }}"
    "{% else %}soon{% endif %},"
    " and then automatic texts go out again. To keep it, post an update or take over again.",
    "ask_retract": "{{ heading }}: its last component was removed. If it was a false alarm, please retract it"
    "{% if incident %} (tocsin incident retract {{ incident }}){% endif %};"
    " otherwise name what is affected.",
    "ask_flapping": "{{ heading }} flaps{% if reason %}: {{ reason }}{% endif %}."
    " Please look at the alert's thresholds and at the service; if customers should know, write an update"
    + _COMMAND
    + "."
    + _READY,
    "ask_held": "{{ heading }}: nobody knows whether a post{% if reason %} on {{ reason }}{% endif %}"
    " arrived. Please look there, then confirm, resend or drop it (tocsin outbox list --state held)."
    + _READY,
    "ask_unknown": "{{ heading }}: nobody knows yet whether a post{% if reason %} on {{ reason }}{% endif %}"
    " arrived. It is being looked for and is not sent twice. Please look there too: confirm it if it is there"
    " (tocsin outbox list --state unknown); if it is not found, it is held for you to resend or drop."
    + _READY,
    "ask_dead": "{{ heading }}: a post{% if reason %} on {{ reason }}{% endif %} was refused for good"
    " and will not go out. Please see why (tocsin outbox list --state dead)." + _READY,
    "ask_down": "{{ heading }}: the channel{% if reason %} {{ reason }}{% endif %} refuses our credentials,"
    " cannot be reached or is gone, so its posts wait. Please see why (tocsin check --channels)." + _READY,
    "ask_promise_broken": "{{ heading }}: customers were promised an update"
    "{% if next_update %} by {{ next_update }}{% endif %}, and none went out."
    " Please write one now" + _COMMAND + "." + _READY,
}

BUILT_IN: Mapping[str, Mapping[str, str]] = {
    **_PUBLIC,
    **{name: {"default": text} for name, text in (*_INTERNAL.items(), *_ASK.items())},
}
"""Each name's variants, as in a rule file: by channel kind or audience, else ``default``."""

PLAIN: Mapping[str, str] = {
    "resolved": "This incident is resolved. " + SORRY,
    "monitoring": "The affected services are working again. We are watching closely.",
    "false_alarm": "Our earlier report was a false alarm. We are sorry for the confusion.",
    "title": "Problem with some of our services",
    "public": "We are aware of a problem with some of our services. Our team is working on it.",
    "internal": "An incident needs attention; please look at the operators' console.",
}
"""The last resort, without any template: by name, else by audience."""
