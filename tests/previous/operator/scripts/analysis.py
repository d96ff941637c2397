"""What has to be done, out of what is there: no request, no clock, no memory."""

FINALIZER = "party.example/seats"


def analyse(guests, seating, seats):
    """Compare guests with the seats that they have, and return what is to be written.

    `guests` are the Guest objects, `seating` is who has which seats (name -> numbers), `seats` is how many there are.
    Returns the finalizers to set (name -> list), the seating, and the statuses to write (name -> status). Each step
    rests on the one before it as it was observed: finalizer, invitation, seats, acceptance.
    """
    guests = sorted(guests, key=lambda one: (one["metadata"]["creationTimestamp"], name_of(one)))
    staying = [one for one in guests if "deletionTimestamp" not in one["metadata"]]
    kept = {name_of(one): seating[name_of(one)] for one in staying if has_its_seats(one, seating, seats)}
    given = dict(kept)
    for guest in staying:
        if name_of(guest) not in given and is_invited(guest):
            taken = {number for numbers in given.values() for number in numbers}
            free = [number for number in range(1, seats + 1) if number not in taken]
            if size_of(guest) <= len(free):
                given[name_of(guest)] = free[: size_of(guest)]
    held = [one for one in staying if FINALIZER in finalizers_of(one)]
    statuses = {name_of(one): status_of(one, kept.get(name_of(one)), seats) for one in held}
    return (
        {name_of(one): wanted for one in guests if (wanted := wanted_finalizers(one, seating)) != finalizers_of(one)},
        given,
        {name_of(one): statuses[name_of(one)] for one in held if differs(one, statuses[name_of(one)])},
    )


def name_of(guest):
    return guest["metadata"]["name"]


def size_of(guest):
    return 1 + guest["spec"].get("companions", 0)


def finalizers_of(guest):
    return guest["metadata"].get("finalizers", [])


def is_invited(guest):
    return FINALIZER in finalizers_of(guest) and "phase" in guest.get("status", {})


def has_its_seats(guest, seating, seats):
    numbers = seating.get(name_of(guest), [])
    return len(numbers) == size_of(guest) and max(numbers) <= seats


def wanted_finalizers(guest, seating):
    """A guest who leaves is held until the seats are free."""
    others = [one for one in finalizers_of(guest) if one != FINALIZER]
    if "deletionTimestamp" not in guest["metadata"]:
        return finalizers_of(guest) if FINALIZER in finalizers_of(guest) else [*others, FINALIZER]
    return finalizers_of(guest) if name_of(guest) in seating else others


def status_of(guest, numbers, seats):
    size = size_of(guest)
    if numbers:
        phase, message = "Accepted", "has a seat" if size == 1 else f"have {size} seats"
    elif size > seats:
        phase, message = "Declined", f"needs {size} seats, there are {seats}"
    else:
        phase, message = "Invited", f"waits for {size} {'seat' if size == 1 else 'seats'}"
    return {
        "phase": phase,
        "seats": " ".join(map(str, numbers or [])),
        "message": message,
        "observedGeneration": guest["metadata"]["generation"],
    }


def differs(guest, status):
    return any(guest.get("status", {}).get(key) != value for key, value in status.items())
