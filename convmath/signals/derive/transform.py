def by_transform(problem):
    raise NotImplementedError
