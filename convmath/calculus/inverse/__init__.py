from .problem import asked
from .solutions import Solutions
def solve_shape(n=None,out=None,*,transposed=False,ceil_mode=False,padding=None,**given):
    return Solutions(asked(n,out,transposed,ceil_mode,padding,given))
