class Agreement:
    pass


def port_check(*a, **k):
    pass
