def check_answer(method, path, answer):
    pass
