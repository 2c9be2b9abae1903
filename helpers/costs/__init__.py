"""What a registry costs a team: bills, plots, and which registry to choose."""

from .choice import Choice, Needs, choose
from .model import AXES, Bill, Line, Team, compare, crossing, first_of_month, month
from .plots import Picture, plot, plot_bill, plot_kept

__all__ = [
    "AXES",
    "Bill",
    "Choice",
    "Line",
    "Needs",
    "Picture",
    "Team",
    "choose",
    "compare",
    "crossing",
    "first_of_month",
    "month",
    "plot",
    "plot_bill",
    "plot_kept",
]
