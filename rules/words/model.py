"""placeholder"""
def check(scene, found):
    return []
