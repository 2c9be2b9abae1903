"""What a registry costs a team: bills, plots, and which registry to choose."""

from .choice import Choice, Needs, choose
from .cost_explorer import ask
from .growth import gb_months, usd_of_month
from .model import AXES, Bill, Line, Team, crossing, first_of_month, month
from .network import compare_ways, ways
from .plots import Picture, plot, plot_bill, plot_growth, plot_ways
from .tables import compare

__all__ = [
    "AXES",
    "Bill",
    "Choice",
    "Line",
    "Needs",
    "Picture",
    "Team",
    "ask",
    "choose",
    "compare",
    "compare_ways",
    "crossing",
    "first_of_month",
    "gb_months",
    "month",
    "plot",
    "plot_bill",
    "plot_growth",
    "plot_ways",
    "usd_of_month",
    "ways",
]
